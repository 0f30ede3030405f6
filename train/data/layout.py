"""What a layout says: where a data set's labels and images lie, and how its label files are to be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from train.data.boxes import Order

Name = Literal["spark2021", "spark2022", "spark2024"]


@dataclass(frozen=True)
class Part:
    """One label file and the images that it names.

    Attributes:
        labels: the label file, or where it should be.
        source: the data set's own name for this part, such as `train`; None: the folder that holds an image.
        folder: the folder below the root (POSIX) that holds this part's images.
        patterns: where an image may lie below the root, with `{class}` and `{image}` for the row's cells.
    """

    labels: Path
    source: str | None
    folder: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """A data set's layout.

    Attributes:
        name: which edition's it is.
        order: the order of a box's numbers in its label files.
        image, label, box: the names of the columns (see `csv_table.column`).
        parts: the label files.
    """

    name: Name
    order: Order
    image: str
    label: str
    box: str
    parts: tuple[Part, ...]
