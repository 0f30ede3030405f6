"""Line charts as inline SVG. Colours come from the page's style, so that they follow light, dark and print."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from train.report.markup import escape

_WIDTH, _HEIGHT = 460, 328
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 440, 12, 266
SERIES = 8
"""How many colours there are; further series take them again, with dashes."""


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        low: its start.
        high: its end.
        ticks: places and what is written there; a line break separates two lines.
        label: what it shows.
        log: whether it is logarithmic.
    """

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    label: str
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1; beyond them, at the end."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        at = (math.log(value) if value > 0 else low) if self.log else value
        return min(1.0, max(0.0, (at - low) / (high - low)))


class Chart:
    """Collects what is drawn between two axes."""

    def __init__(self, x: Axis, y: Axis, described: str) -> None:
        self._x, self._y, self._described = x, y, described
        self._drawn: list[str] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point in the drawing's own units, to a tenth."""
        across, up = self._x.share(x), self._y.share(y)
        return round(_LEFT + across * (_RIGHT - _LEFT), 1), round(_BOTTOM - up * (_BOTTOM - _TOP), 1)

    def line(self, points: Iterable[tuple[float, float]], kind: str, steps: bool = False) -> None:
        """A line through the points; with `steps`, level until the next point and then upright."""
        placed = list(dict.fromkeys(self.at(x, y) for x, y in points))  # thousands of points fall on few places
        path = f"M{placed[0][0]} {placed[0][1]}"
        path += "".join(f"H{x}V{y}" if steps else f"L{x} {y}" for x, y in placed[1:])
        self._drawn.append(f'<path class="{kind}" d="{path}"/>')

    def dot(self, x: float, y: float, kind: str) -> None:
        px, py = self.at(x, y)
        self._drawn.append(f'<circle class="{kind}" cx="{px}" cy="{py}" r="4.5"/>')

    def svg(self) -> str:
        """The chart as an <svg> element."""
        parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(self._described)}">']
        for value, text in self._x.ticks:
            px, _ = self.at(value, self._y.low)
            parts.append(f'<path class="grid" d="M{px} {_TOP}V{_BOTTOM}"/>')
            for i, line in enumerate(text.split("\n")):
                parts.append(f'<text class="mid" x="{px}" y="{_BOTTOM + 17 + 15 * i}">{escape(line)}</text>')
        for value, text in self._y.ticks:
            _, py = self.at(self._x.low, value)
            parts.append(f'<path class="grid" d="M{_LEFT} {py}H{_RIGHT}"/>')
            parts.append(f'<text class="end" x="{_LEFT - 7}" y="{py + 4}">{escape(text)}</text>')
        parts += self._drawn
        middle = (_TOP + _BOTTOM) / 2
        parts.append(f'<text class="mid" x="{(_LEFT + _RIGHT) / 2}" y="{_HEIGHT - 8}">{escape(self._x.label)}</text>')
        turned = f'transform="rotate(-90 14 {middle})"'
        parts.append(f'<text class="mid" x="14" y="{middle}" {turned}>{escape(self._y.label)}</text></svg>')
        return "".join(parts)


def series(i: int) -> str:
    """The style of the i-th line of several."""
    return f"line s{i % SERIES}" + (" dashed" if i // SERIES % 2 else "")


def percent_axis(low: float, label: str, high: float = 1.0) -> Axis:
    """Shares as percentages, from a round number at or below `low` (0 to 1) up to `high`."""
    low = min(low, high - 0.05)  # a flat curve at the top needs an axis too
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if high - low <= 6 * step or step == 0.2)
    first = math.floor(low / step + 1e-9)
    ticks = [(i * step, f"{100 * i * step:.0f}") for i in range(first, math.floor(high / step + 1e-9) + 1)]
    return Axis(first * step, high, ticks, label)
