"""A defect of a data set: what is wrong, and in which line of which file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "unreadable-labels",
    "missing-column",
    "no-rows",
    "missing-labels",
    "missing-folder",
    "missing-class",
    "unknown-class",
    "missing-box",
    "unparseable-box",
    "non-finite-box",
    "empty-box",
    "box-outside-image",
    "missing-image",
    "ambiguous-image",
    "empty-image",
    "unreadable-image",
    "grey-image",
    "duplicate-row",
    "surplus-cells",
    "same-image",
]

WHOLE_FILE: frozenset[str] = frozenset(
    {"unreadable-labels", "missing-column", "no-rows", "missing-labels", "missing-folder"}
)
"""Defects that lose a whole part of the data; `on_defect: skip` does not cover them."""


@dataclass(frozen=True)
class Defect:
    """Something that cannot be used.

    Attributes:
        kind: which sort of defect; reports count by it.
        file: the label file, below the data set's root (POSIX).
        line: the line in `file`, counted from 1; 0 where the defect is the file's as a whole.
        message: what was found, and what was expected.
    """

    kind: Kind
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.kind}: {self.message}"


def count(defects: Iterable[Defect]) -> dict[str, int]:
    """How many defects there are of each kind, the most frequent kind first."""
    return dict(Counter(defect.kind for defect in defects).most_common())


def listing(defects: Iterable[Defect], limit: int | None) -> list[str]:
    """One text line per defect, no more than `limit` of each kind, so that no kind hides another."""
    shown: Counter[str] = Counter()
    lines = []
    for defect in defects:
        shown[defect.kind] += 1
        if limit is None or shown[defect.kind] <= limit:
            lines.append(str(defect))
    for kind, number in shown.items():
        if limit is not None and number > limit:
            lines.append(f"... and {number - limit} more of {kind}")
    return lines
