"""The drift monitor under each disturbance; a frame stands for a track, for the frames of a pool are independent."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.drift import DriftMonitor

RATE = 0.01
_RUNS, _LONGEST = 200, 300


@dataclass(frozen=True)
class Drift:
    """The monitor over several orders of the frames.

    Attributes:
        alpha: it alarms where its capital reaches 1 / alpha.
        runs: orders that were tried.
        before: undisturbed frames that it starts from.
        flown: disturbed frames after them.
        alarmed: share of the runs.
        median, p90: frames until the alarm, of the runs that alarmed; None: none did.
        capital: log10 of the capital after each frame: its 5th percentile, median and 95th percentile over the runs.
    """

    alpha: float
    runs: int
    before: int
    flown: int
    alarmed: float
    median: float | None
    p90: float | None
    capital: tuple[list[float], list[float], list[float]]


def measure(scores: Mapping[str, npt.NDArray[np.floating]], raw: str, seed: int) -> dict[str, Drift]:
    """Let the monitor start from half of the frames as they are, and take the others disturbed, in random orders.

    Args:
        scores: of the same N frames under each disturbance, in the same order.
        raw: the key of the undisturbed ones.
        seed: of the orders.
    """
    count = len(scores[raw])
    before, flown = count // 2, min(count - count // 2, _LONGEST)
    draw = np.random.default_rng(seed)
    orders = [draw.permutation(count) for _ in range(_RUNS)]
    found = {}
    for name, values in scores.items():
        paths = np.empty((_RUNS, flown))
        for run, order in enumerate(orders):
            monitor = DriftMonitor.fresh(scores[raw][order[:before]].tolist(), seed=run)
            for place, number in enumerate(values[order[before : before + flown]].tolist()):
                monitor.update(number)
                paths[run, place] = monitor.log_capital / np.log(10)
        found[name] = _summary(paths, before)
    return found


def _summary(paths: npt.NDArray[np.float64], before: int) -> Drift:
    above = paths >= -np.log10(RATE)
    alarmed = above.any(axis=1)
    frames = above.argmax(axis=1)[alarmed] + 1
    median, p90 = np.percentile(frames, [50, 90], method="higher").tolist() if len(frames) else (None, None)
    low, middle, high = np.round(np.percentile(paths, [5, 50, 95], axis=0), 3).tolist()
    return Drift(RATE, len(paths), before, paths.shape[1], float(alarmed.mean()), median, p90, (low, middle, high))


def text(found: Mapping[str, Drift]) -> str:
    """The table for a terminal."""
    some = next(iter(found.values()))
    lines = [f"drift monitor        alarmed (alpha {some.alpha:g})   after frames, median   90 %   of {some.flown}"]
    for name, one in found.items():
        after = f"{'-':>14}{'-':>7}" if one.median is None else f"{one.median:>14g}{one.p90:>7g}"
        lines.append(f"{name:<21}{one.alarmed:>20.0%}{after}")
    return "\n".join(lines)
