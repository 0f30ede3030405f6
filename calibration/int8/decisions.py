"""Which alarm decisions quantisation may change, and which it changes."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ALPHAS = (1e-1, 1e-2, 1e-3)
_BUDGET = 0.1  # of alpha, as a share of the frames
Logits = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Decisions:
    """Of one false-alarm rate.

    Attributes:
        alpha: the rate.
        frames: normal frames that were decided on.
        alarms: of them, with either graph; 0: too few frames for this rate, so nothing is seen.
        changed: that alarm with one graph and not with the other.
        allowed: of these.
    """

    alpha: float
    frames: int
    alarms: int
    changed: int
    allowed: int

    @property
    def holds(self) -> bool:
        return self.changed <= self.allowed


def compare(before: Logits, after: Logits) -> list[Decisions]:
    """The decisions on frames with two graphs, each against the other frames' scores with the same graph.

    A frame alarms where its p-value among the frames, itself included, is at most alpha: those with the
    floor(alpha x frames) lowest logits. So a shift or stretch of all scores, which the new thresholds take up, changes
    nothing; another order does.
    """
    count = len(before)
    found = []
    for alpha in ALPHAS:
        alarms = math.floor(alpha * count + 1e-9)
        one, other = (set(np.argsort(logits, kind="stable")[:alarms].tolist()) for logits in (before, after))
        allowed = math.floor(_BUDGET * alpha * count + 1e-9)
        found.append(Decisions(alpha, count, alarms, len(one ^ other), allowed))
    return found
