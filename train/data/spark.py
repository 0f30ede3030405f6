"""A SPARK data set's samples and defects: all that can be known without decoding an image."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from onboard.errors import InputError
from train.data import boxes, classes, csv_table, detect, kinds
from train.data.config import SparkData
from train.data.csv_table import Table
from train.data.defects import Defect
from train.data.images import Images
from train.data.layout import Layout, Part
from train.data.rows import RowReader
from train.data.samples import Sample


@dataclass(frozen=True)
class Labels:
    """What the label files say.

    Attributes:
        root: the data set's folder.
        layout: the layout that was found.
        order: the order in which the boxes were read.
        samples: the rows without a defect, in the label files' order.
        lines: for every image that some row names, defective or not: its path below the root, and the label
            file and line of that row.
        defects: all that cannot be used.
        warnings: what is odd and does no harm.
    """

    root: Path
    layout: Layout
    order: boxes.Order
    samples: tuple[Sample, ...]
    lines: dict[str, tuple[str, int]]
    defects: tuple[Defect, ...]
    warnings: tuple[str, ...]


def read(config: SparkData) -> Labels:
    """Read all label files and look for the images that they name.

    Raises:
        InputError: the folder is missing or has no known layout (see `detect.find`).
    """
    root = Path(config.root).expanduser()
    layout = detect.find(root, config.layout)
    order = layout.order if config.box_order == "auto" else config.box_order
    images = Images(root, (part.folder for part in layout.parts))
    tables, defects = _tables(root, layout)
    names = classes.Names(
        layout.name,
        (row.cells[layout.label] for _, table in tables for row in table.rows),
        config.anomaly_classes,
    )
    samples: list[Sample] = []
    lines: dict[str, tuple[str, int]] = {}
    for part, table in tables:
        rows = RowReader(root, layout, part, order, images, names, config.anomaly_classes).read(
            table.rows, elsewhere=lines
        )
        samples += rows.samples.values()
        defects += rows.defects
        file = part.labels.relative_to(root).as_posix()
        lines = {key: (file, row.line) for key, row in rows.first.items()} | lines
    samples, kind_defects, warnings = kinds.apply(root, images, samples)
    warnings += _without_label(images, lines.keys(), [part for part, _ in tables])
    return Labels(root, layout, order, tuple(samples), lines, (*defects, *kind_defects), tuple(warnings))


def _tables(root: Path, layout: Layout) -> tuple[list[tuple[Part, Table]], list[Defect]]:
    """Read the label files; what is wrong with one as a whole is one defect, not one per row."""
    tables, defects = [], []
    for part in layout.parts:
        file = part.labels.relative_to(root).as_posix()
        if not part.labels.is_file():
            message = f"the folder {part.folder} has images, but its label file is absent"
            defects.append(Defect("missing-labels", file, 0, message))
            continue
        if not (root / part.folder).is_dir():
            message = f"the folder {part.folder} with this file's images is absent"
            defects.append(Defect("missing-folder", file, 0, message))
            continue
        try:
            table = csv_table.read(part.labels)
        except InputError as error:
            defects.append(Defect("unreadable-labels", file, 0, str(error)))
            continue
        missing = [name for name in (layout.image, layout.label, layout.box) if name not in table.columns]
        if missing:
            message = f"no column {', '.join(map(repr, missing))}; the columns are {', '.join(table.columns)}"
            defects.append(Defect("missing-column", file, 1, message))
            continue
        if not table.rows:
            message = "a header and no row; fill it, or remove the file and its folder"
            defects.append(Defect("no-rows", file, 1, message))
            continue
        tables.append((part, table))
    return tables, defects


def _without_label(images: Images, labelled: Iterable[str], parts: list[Part]) -> list[str]:
    """One warning per folder whose images no row names."""
    unlabelled = images.keys.difference(labelled)
    warnings = []
    for folder in sorted({part.folder for part in parts}):
        lost = sorted(key for key in unlabelled if key.startswith(f"{folder}/"))
        if lost:
            warnings.append(f"{folder}: {len(lost)} images have no label row: {', '.join(lost[:3])}")
    return warnings
