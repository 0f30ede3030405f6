"""From the rows of one label file to samples; every defect of a row is found, not only its first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onboard.errors import InputError
from train.data import boxes, classes
from train.data.csv_table import Row
from train.data.defects import Defect, Kind
from train.data.images import Images
from train.data.layout import Layout, Part
from train.data.samples import Box, Sample


@dataclass
class Rows:
    """What one label file says, filled row by row.

    Attributes:
        first: by the image's path below the root, the first row that names it.
        samples: by the same, the samples of the rows without a defect.
        defects: all others.
    """

    first: dict[str, Row] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)


@dataclass(frozen=True)
class RowReader:
    """Reads the rows of one label file.

    Attributes:
        root: the data set's folder.
        layout: its layout.
        part: the label file, and where its images lie.
        order: the order of a box's numbers.
        images: the index of image files.
        names: the classes that there can be.
        anomaly_classes: see `SparkData`.
    """

    root: Path
    layout: Layout
    part: Part
    order: boxes.Order
    images: Images
    names: classes.Names
    anomaly_classes: tuple[str, ...]

    def read(self, rows: tuple[Row, ...], elsewhere: Mapping[str, tuple[str, int]]) -> Rows:
        """Read all rows; `elsewhere` are the images that other label files name, with their file and line."""
        file = self.part.labels.relative_to(self.root).as_posix()
        done = Rows()
        disputed: set[str] = set()
        for row in rows:
            found: list[tuple[Kind, str]] = []
            label = self._label(row, found)
            box = self._box(row, found)
            if row.surplus and not found:  # a box without its quotes is told of already
                told = "what holds a comma has to stand in quotes"
                found.append(("surplus-cells", f"{row.surplus} cells more than the header has columns; {told}"))
            key = self._key(row, label or row.cells[self.layout.label], found)
            if key is not None and (first := done.first.setdefault(key, row)) is not row:
                told = "the same"
                if any(first.cells[name] != row.cells[name] for name in (self.layout.label, self.layout.box)):
                    told = "another"
                    disputed.add(key)
                found.append(("duplicate-row", f"{key} stands in line {first.line} already, with {told} label"))
            elif key is not None and key in elsewhere:  # else one image might be trained on and tested on
                found.append(("duplicate-row", f"{key} stands in {elsewhere[key][0]}:{elsewhere[key][1]} already"))
            done.defects += [Defect(kind, file, row.line, message) for kind, message in found]
            if not found and key and label and box:
                done.samples[key] = Sample(
                    key=key,
                    path=self.root / key,
                    row=None,
                    box=box,
                    label=label,
                    is_anomaly=classes.is_anomaly(label, self.anomaly_classes),
                    source=self.part.source or Path(key).parent.name,
                    line=f"{file}:{row.line}",
                )
        for key in disputed:  # which of two different labels is right cannot be known, so neither is used
            done.samples.pop(key, None)
        return done

    def _label(self, row: Row, found: list[tuple[Kind, str]]) -> str | None:
        cell = row.cells[self.layout.label]
        if not cell:
            found.append(("missing-class", "the class is missing"))
            return None
        try:
            return self.names.canonical(cell)
        except InputError as error:
            found.append(("unknown-class", str(error)))
            return None

    def _box(self, row: Row, found: list[tuple[Kind, str]]) -> Box | None:
        try:
            return boxes.parse(row.cells[self.layout.box], self.order)
        except boxes.BoxError as error:
            found.append((error.kind, str(error)))
            return None

    def _key(self, row: Row, label: str, found: list[tuple[Kind, str]]) -> str | None:
        """The image that a row names, as its path below the root; None where there is none to read."""
        name = row.cells[self.layout.image].replace("\\", "/")
        if not name:
            found.append(("missing-image", "the row names no image"))
            return None
        keys = [pattern.replace("{class}", label).replace("{image}", name) for pattern in self.part.patterns]
        there = sorted({key for wanted in keys if (key := self.images.find(wanted)) is not None})
        if not there:
            found.append(("missing-image", f"{keys[0]} does not exist, nor with another image ending"))
            return None
        if len(there) > 1:
            found.append(("ambiguous-image", f"{name} may be any of {', '.join(there)}"))
            return None
        try:
            size = (self.root / there[0]).stat().st_size
        except OSError as error:
            found.append(("missing-image", f"{there[0]}: cannot be read ({error.strerror})"))
            return None
        if size == 0:
            found.append(("empty-image", f"{there[0]}: the file is empty (0 bytes); replace or remove it"))
        return there[0]
