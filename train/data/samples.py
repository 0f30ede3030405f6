"""What every loader gives: samples, and the split of them that all results refer to."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Part = Literal["fit", "calibration", "test"]
Box = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max) in pixels of the whole image; edges, so a box's width is x_max - x_min."""


@dataclass(frozen=True)
class Sample:
    """One object in one image.

    Attributes:
        key: names the sample in its data set, the same on every machine (its path below the root, POSIX).
        path: the image file, or the file that holds it.
        row: the image's row in `path`, where one file holds many (CIFAR); else None.
        box: the object's bounding box.
        label: the class name.
        is_anomaly: whether the class counts as debris.
        source: the data set's own part that the sample comes from, such as `train` or `val`.
        kind: the sort of object for reports finer than `label`; where nothing says more, the label itself.
        line: where the label stands, such as `train.csv:17`; "" where no text file holds it.
    """

    key: str
    path: Path
    row: int | None
    box: Box
    label: str
    is_anomaly: bool
    source: str
    kind: str = ""
    line: str = ""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.label)


@dataclass(frozen=True)
class Split:
    """Disjoint samples: `fit` and `calibration` are normal only, `test` holds both.

    `skipped` counts what `on_defect: skip` left out, by the kind of defect. `unused` counts the good samples
    that are in no part, by source and class (`train/debris`): anomalies of the training source, for one.
    """

    fit: tuple[Sample, ...]
    calibration: tuple[Sample, ...]
    test: tuple[Sample, ...]
    skipped: dict[str, int]
    unused: dict[str, int] = field(default_factory=dict)

    def part(self, name: Part) -> tuple[Sample, ...]:
        return {"fit": self.fit, "calibration": self.calibration, "test": self.test}[name]

    def all(self) -> tuple[Sample, ...]:
        return self.fit + self.calibration + self.test

    def hash(self) -> str:
        """SHA-256 over which sample, with which box and label, is in which part; independent of order.

        And over which of the test are anomalies, where that is not plain from the labels: those that the fit has are
        normal, others are not. (So hashes from before this was told are what they were.)
        """
        parts: list[tuple[str, Iterable[Sample]]] = [
            ("fit", self.fit),
            ("calibration", self.calibration),
            ("test", self.test),
        ]
        known = {sample.label for sample in self.fit}
        lines = [f"{name}\t{s.key}\t{s.label}\t{s.box}" for name, samples in parts for s in samples]
        lines += [f"{s.is_anomaly}\t{s.key}" for s in self.test if s.is_anomaly == (s.label in known)]
        lines.sort()
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
