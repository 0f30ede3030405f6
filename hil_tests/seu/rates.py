"""Shares of flips with their uncertainty."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_Z = 1.959964  # 95 %, two-sided


@dataclass(frozen=True)
class Rate:
    """A share of flips.

    Attributes:
        share: the estimate; of no flips at all, 0.
        low, high: 95 % interval (Wilson).
        hits: flips that count, unweighted.
        flips: all.
    """

    share: float
    low: float
    high: float
    hits: int
    flips: int


def rate(weighted: Iterable[tuple[float, bool]]) -> Rate:
    """A share of a memory that is hit evenly, from flips that were drawn with weights.

    The interval is Wilson's for as many even draws as the weights are worth (Kish).

    >>> rate([(1.0, True)] * 5 + [(1.0, False)] * 5)
    Rate(share=0.5, low=0.236593..., high=0.763406..., hits=5, flips=10)
    """
    pairs = list(weighted)
    total = sum(weight for weight, _ in pairs)
    if not total:
        return Rate(0.0, 0.0, 1.0, 0, 0)
    share = min(1.0, sum(weight for weight, hit in pairs if hit) / total)
    worth = total**2 / sum(weight**2 for weight, _ in pairs)
    centre = share + _Z**2 / (2 * worth)
    half = _Z * math.sqrt(share * (1 - share) / worth + _Z**2 / (4 * worth**2))
    scale = 1 + _Z**2 / worth
    low = max(0.0, (centre - half) / scale) if share > 0 else 0.0
    return Rate(share, low, min(1.0, (centre + half) / scale), sum(hit for _, hit in pairs), len(pairs))
