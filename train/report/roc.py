"""ROC curves, and how much debris is found at given rates of false alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

from train.metrics import Flags, Scores
from train.report.chart import Axis, Chart, percent_axis, series

_FALSE, _FOUND = "false-alarm rate, % of the satellites", "debris found, %"


@dataclass(frozen=True)
class Curve:
    """A receiver operating characteristic; each threshold calls debris what scores at least as high."""

    false_rate: npt.NDArray[np.floating[Any]]
    true_rate: npt.NDArray[np.floating[Any]]
    thresholds: npt.NDArray[np.floating[Any]]
    normals: int
    anomalies: int

    def at(self, false_rate: float) -> tuple[float, float]:
        """The largest share of debris found with at most this rate of false alarms, and the threshold for it.

        Where that is none, a threshold just above the highest score: it calls nothing debris.
        """
        allowed = self.false_rate <= false_rate
        i = int(np.argmax(np.where(allowed, self.true_rate, -1)))
        highest = np.nextafter(self.thresholds[1], np.inf)  # the curve's own first threshold is infinite
        return float(self.true_rate[i]), float(min(self.thresholds[i], highest))


def curve(is_anomaly: Flags, scores: Scores) -> Curve | None:
    """The curve of N scores; None where satellites or debris are lacking."""
    if is_anomaly.all() or not is_anomaly.any():
        return None
    false_rate, true_rate, thresholds = roc_curve(is_anomaly, scores, drop_intermediate=False)
    return Curve(false_rate, true_rate, thresholds, int((~is_anomaly).sum()), int(is_anomaly.sum()))


def charts(curves: Sequence[tuple[int, Curve]]) -> str:
    """Curves, each with the number of its colour, with a linear and with a logarithmic false-alarm rate."""
    fewest = max(drawn.normals for _, drawn in curves)
    lowest = min(0.1, 0.5 / fewest)  # below one false alarm there is nothing to see
    ticks = [(rate, f"{100 * rate:g}") for rate in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0) if rate >= lowest]
    linear = percent_axis(0, _FALSE)
    logarithmic = Axis(lowest, 1, ticks, f"{_FALSE} (logarithmic)", log=True)
    chance = np.geomspace(lowest, 1, 60)
    drawn = []
    for axis, name in ((linear, "linear"), (logarithmic, "logarithmic")):
        chart = Chart(axis, percent_axis(0, _FOUND), f"ROC curves, {name} false-alarm rate")
        chart.line([(0, 0), (1, 1)] if axis is linear else [(x, x) for x in chance.tolist()], "chance")
        for i, one in curves:
            points = zip(one.false_rate.tolist(), one.true_rate.tolist(), strict=True)
            chart.line(points, series(i), steps=True)
        drawn.append(chart.svg())
    return f'<div class="pair">{"".join(drawn)}</div>'
