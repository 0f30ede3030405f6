"""The bootstrap: how far a test's figures would move if other samples had been drawn for it."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_RESAMPLES = 1000
Times = npt.NDArray[np.int32]
Scores = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]


def drawn(strata: Sequence[Hashable], seed: int = 0) -> Times:
    """How often each of N samples is in each of 1,000 resamples, [1000, N].

    Each stratum is drawn from by itself, with replacement and as often as it has samples. One call for several tests
    that share samples draws those once for all of them, so that their figures move together, as they would.

    Args:
        strata: of each sample, such as whether it is an anomaly.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    times = np.empty((_RESAMPLES, len(strata)), np.int32)
    members: dict[Hashable, list[int]] = {}
    for index, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(index)
    for rows in members.values():
        times[:, rows] = draw.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), _RESAMPLES)
    return times


def aurocs(is_anomaly: Flags, scores: Scores, times: Times) -> npt.NDArray[np.float64]:
    """AUROCs of D detectors in each resample, [R, D]; NaN in a resample that holds no normal or no anomaly.

    Each resample is the same for all detectors, so differences between columns are paired.

    Args:
        is_anomaly: [N].
        scores: [D, N], higher: more anomalous.
        times: how often each sample is in each resample, [R, N].
    """
    of_normals, of_anomalies = times[:, ~is_anomaly], times[:, is_anomaly]
    pairs = of_normals.sum(1, dtype=np.int64) * of_anomalies.sum(1, dtype=np.int64)
    found = np.empty((len(times), len(scores)))
    for d, row in enumerate(scores):
        # An anomaly's rank among the normals, ties counting half, is its share of the AUROC.
        order = np.argsort(row[~is_anomaly], kind="stable")
        normal, anomalous = row[~is_anomaly][order], row[is_anomaly]
        below = np.pad(np.cumsum(of_normals[:, order], axis=1, dtype=np.int64), ((0, 0), (1, 0)))
        for side in ("left", "right"):
            ranks = below[:, np.searchsorted(normal, anomalous, side=side)]
            won = np.einsum("ra,ra->r", ranks, of_anomalies)
            found[:, d] = won if side == "left" else (found[:, d] + won) / 2
    with np.errstate(invalid="ignore"):
        return np.where(pairs[:, None] > 0, found / pairs[:, None], np.nan)


def interval(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """The lower end of the 95 % percentile interval of resampled figures, [R], their median, and the upper end.

    Resamples that tell nothing (NaN) are left out.
    """
    low, middle, high = np.nanpercentile(values, [2.5, 50, 97.5])
    return float(low), float(middle), float(high)
