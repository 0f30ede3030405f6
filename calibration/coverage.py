"""Does the rate hold? Measured over random splits of one pool of normal frames, beside the law that it must follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from onboard import conformal

Values = npt.NDArray[np.floating]
_LEVELS = (0.025, 0.975)  # of every band
_HOLDS = 0.9  # share of the splits within the band; without a shift it is 0.95 or more, but for what 1,000 splits leave


@dataclass(frozen=True)
class Point:
    """One false-alarm rate under one disturbance.

    Attributes:
        alpha: asked for.
        expected: k / (n + 1), what exchangeable frames without ties give on average; at most alpha.
        measured: share of the test frames that alarmed, mean over the splits.
        low, high: 2.5 and 97.5 % of the splits' shares.
        band: of the exact law of one split's share, the same two points.
        inside: share of the splits within the band.
    """

    alpha: float
    expected: float
    measured: float
    low: float
    high: float
    band: tuple[float, float]
    inside: float

    @property
    def verdict(self) -> str:
        """`recalibrate` where even the mean lies above the band, `watch` where more splits leave it than should."""
        if self.measured > self.band[1]:
            return "recalibrate"
        if self.measured < self.band[0]:
            return "fewer alarms"
        return "holds" if self.inside >= _HOLDS else "watch"


def alarms_law(calibrated: int, tested: int, rank: int) -> Any:
    """How many of `tested` frames score above the `rank`-th highest of `calibrated` exchangeable ones.

    Without ties this is the negative hypergeometric law of splitting one pool, and the beta-binomial of fresh draws:
    the two are the same.
    """
    return stats.betabinom(tested, rank, calibrated + 1 - rank)


def band(calibrated: int, tested: int, rank: int) -> tuple[float, float]:
    """The share of alarms that 95 % of splits or more keep within."""
    law = alarms_law(calibrated, tested, rank)
    return float(law.ppf(_LEVELS[0])) / tested, float(law.ppf(_LEVELS[1])) / tested


def measure(
    scores: Mapping[str, Values], raw: str, alphas: tuple[float, ...], splits: int, seed: int
) -> dict[str, list[Point]]:
    """Split the pool at random again and again: calibrate on one half as it is, test on the other, disturbed.

    Args:
        scores: of the same N frames under each disturbance, in the same order.
        raw: the key of the undisturbed ones.
        alphas: rates; those that half the pool cannot support are left out.
        splits: how many.
        seed: of the splits.

    Returns:
        Points by disturbance, in the order of the rates.
    """
    count = len(scores[raw])
    calibrated = count // 2
    tested = count - calibrated
    ranks = {alpha: k for alpha in alphas if (k := conformal.rank(calibrated, alpha))}
    if not ranks:
        return {name: [] for name in scores}
    places = np.array([calibrated - k for k in ranks.values()])
    shares = {name: np.empty((splits, len(ranks))) for name in scores}
    draw = np.random.default_rng(seed)
    for split in range(splits):
        order = draw.permutation(count)
        limits = np.sort(scores[raw][order[:calibrated]])[places]
        for name, values in scores.items():
            test = np.sort(values[order[calibrated:]])
            shares[name][split] = (tested - np.searchsorted(test, limits, side="right")) / tested
    return {
        name: [
            _point(alpha, k, found[:, column], calibrated, tested) for column, (alpha, k) in enumerate(ranks.items())
        ]
        for name, found in shares.items()
    }


def _point(alpha: float, k: int, shares: Values, calibrated: int, tested: int) -> Point:
    limits = band(calibrated, tested, k)
    low, high = np.quantile(shares, _LEVELS)
    slack = 1e-9
    inside = np.mean((shares >= limits[0] - slack) & (shares <= limits[1] + slack))
    return Point(alpha, k / (calibrated + 1), float(shares.mean()), float(low), float(high), limits, float(inside))
