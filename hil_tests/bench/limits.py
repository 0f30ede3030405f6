"""Limits as data: each names a figure and what it may be at most, or has to be at least."""

import enum
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hil_tests.bench.figures import NAMES, Figures
from onboard import strict_yaml
from onboard.errors import InputError

_LATENCY = re.compile(
    r"(engine_ms\.(warm|paced|loaded|cold)\.\d+(x\d+)?|end_to_end_ms\.(warm|loaded|cold)"
    r"|node_ms\.(warm|loaded|cold)\.(read|find|window|infer|total))\.(p50|p90|p99|p99_9|max)"
)

_EXAMPLE = "name figures and their at_most or at_least, as configs/limits.yaml does"


def of_campaign(figure: str) -> bool:
    """Whether a campaign measures it."""
    return figure in NAMES


def of_latency(figure: str) -> bool:
    """Whether `python -m hil_tests latency` measures it; one file has the limits of both."""
    return _LATENCY.fullmatch(figure) is not None


class Limit(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Attributes:
    figure: one of `hil_tests.bench.figures.NAMES`, or of docs/latency.md.
    at_most, at_least: one of the two, or both.
    """

    figure: str
    at_most: float | None = None
    at_least: float | None = None

    def said(self) -> str:
        """The limit in words."""
        parts = ("at most", self.at_most), ("at least", self.at_least)
        return ", ".join(f"{word} {value:g}" for word, value in parts if value is not None)


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    limits: tuple[Limit, ...]


class Mark(str, enum.Enum):
    """PASS, FAIL, or NOT_MEASURED where the campaign has no such figure: no such fault, no labels, too short."""

    PASS = "pass"
    FAIL = "FAIL"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Held:
    """A limit, the figure that was found, and the mark."""

    limit: Limit
    value: float | None
    mark: Mark

    def line(self) -> str:
        """For a terminal."""
        value = "-" if self.value is None else f"{self.value:.4g}"
        return f"  {self.mark.value:<12}  {self.limit.figure:<28} {value:>10}   {self.limit.said()}"


def read(path: Path, wanted: Callable[[str], bool] = of_campaign, may_be_none: bool = False) -> tuple[Limit, ...]:
    """Read the limits on those figures that are wanted.

    Args:
        path: the file.
        wanted: says it of a figure.
        may_be_none: whether the file may have limits on others alone; where not, nothing would be judged, and pass.

    Raises:
        InputError: the file does not fit, names a figure that there is not or one twice, or has no limit, or one that
            limits nothing or that no value keeps.
    """
    limits = strict_yaml.load(path, _File).limits
    if not limits:
        raise InputError(f"{path}: limits: [] judges nothing; {_EXAMPLE}")
    counts = Counter(limit.figure for limit in limits)
    for limit in limits:
        if not (of_campaign(limit.figure) or of_latency(limit.figure)):
            raise InputError(
                f"{path}: limits: '{limit.figure}' is no figure; there are {', '.join(NAMES)}, and those of latency "
                "(docs/latency.md)"
            )
        if limit.at_most is None and limit.at_least is None:
            raise InputError(f"{path}: limits: {limit.figure}: at_most or at_least is needed")
        if counts[limit.figure] > 1:
            raise InputError(f"{path}: limits: {limit.figure} stands there {counts[limit.figure]} times; join them")
        if limit.at_most is not None and limit.at_least is not None and not limit.at_least <= limit.at_most:
            raise InputError(
                f"{path}: limits: {limit.figure}: at_most {limit.at_most:g} is below at_least {limit.at_least:g}, "
                "which no value keeps; swap the two, or mend one"
            )
    chosen = tuple(limit for limit in limits if wanted(limit.figure))
    if not chosen and not may_be_none:
        raise InputError(f"{path}: limits: none is on a figure that is measured here, so nothing is judged; {_EXAMPLE}")
    return chosen


def judge(limits: tuple[Limit, ...], figures: Figures) -> list[Held]:
    """Hold each figure against its limit."""
    return [Held(limit, figures.get(limit.figure), _mark(limit, figures.get(limit.figure))) for limit in limits]


def passed(held: Iterable[Held]) -> bool:
    """Whether no limit was broken."""
    return all(each.mark is not Mark.FAIL for each in held)


def _mark(limit: Limit, value: float | None) -> Mark:
    if value is None:
        return Mark.NOT_MEASURED
    low = float("-inf") if limit.at_least is None else limit.at_least
    high = float("inf") if limit.at_most is None else limit.at_most
    # A node that never came back is infinite, and no limit allows that; nor a figure that is not a number.
    return Mark.PASS if low <= value <= high and value != float("inf") else Mark.FAIL
