"""The label-free choice: the candidate that best tells left-out normals from the rest; and how good that choice was."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from train import metrics
from train.benchmark.cells import Result
from train.bootstrap import Scores

_FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class Candidate:
    """What is known of a candidate on one split, for one normal class or for all of them.

    Attributes:
        name: the method's.
        epoch: the one that its stand-ins prefer, from 0.
        stand_in: AUROC of left-out normals after it, averaged over those.
        alarms: the share of left-out normals that it calls debris at 5 % false alarms on the other normals.
        test: AUROC of the test after it. It has no say.
    """

    name: str
    epoch: int
    stand_in: float
    alarms: float
    test: float


@dataclass(frozen=True)
class Choice:
    """What was chosen on one split, for one normal class or for all of them, and what it cost.

    Attributes:
        chosen: the candidate.
        epoch: its epoch, from 0.
        stand_in: its AUROC of left-out normals, averaged over those.
        left_out_alarms: the share of left-out normals that it calls debris at 5 % false alarms on the other normals.
        auroc: of the chosen one on the test.
        oracle: the candidate that the test's labels would have chosen.
        oracle_auroc: its AUROC.
        rank_correlation: Spearman's, between stand-in and test AUROC, over the candidates; NaN for one.
    """

    chosen: str
    epoch: int
    stand_in: float
    left_out_alarms: float
    auroc: float
    oracle: str
    oracle_auroc: float
    rank_correlation: float

    @property
    def regret(self) -> float:
        """What a choice by labels would have given more."""
        return self.oracle_auroc - self.auroc


def stand_in_curve(results: Sequence[Result]) -> npt.NDArray[np.float64]:
    """AUROC of left-out normals against held-back ones after each epoch, averaged over what was left out."""
    return np.mean([[stand_in(r, epoch) for epoch in range(len(r.logits))] for r in results], axis=0)


def left_out_alarms(results: Sequence[Result], epoch: int) -> float:
    """The share of left-out normals beyond the threshold at which 5 % of the held-back ones are."""
    parts = [held_back_and_left_out(result, epoch) for result in results]
    return float(np.mean([called_debris(held_back, left_out) for held_back, left_out in parts]))


def called_debris(normal: Scores, judged: Scores) -> float:
    """The share of what is judged beyond the threshold that at most 5 % of the normals are; scores, [N] and [M]."""
    is_odd = np.arange(len(normal) + len(judged)) >= len(normal)
    return metrics.detection_rate(is_odd, np.concatenate([normal, judged]), _FALSE_ALARMS)


def choose(candidates: Sequence[Candidate]) -> Choice:
    """Choose by the stand-ins; the test's AUROCs only tell how good that was."""
    ordered = sorted(candidates, key=lambda candidate: candidate.name)
    chosen = max(ordered, key=lambda candidate: candidate.stand_in)
    oracle = max(ordered, key=lambda candidate: candidate.test)
    ranks = float("nan")  # of one candidate there is no order
    if len(ordered) > 1:
        ranks = float(spearmanr([c.stand_in for c in ordered], [c.test for c in ordered]).statistic)
    return Choice(
        chosen.name, chosen.epoch, chosen.stand_in, chosen.alarms, chosen.test, oracle.name, oracle.test, ranks
    )


def stand_in(result: Result, epoch: int) -> float:
    """AUROC of one left-out kind against held-back normals of the others."""
    return told_apart(*held_back_and_left_out(result, epoch))


def told_apart(normal: Scores, odd: Scores) -> float:
    """AUROC of what is odd, [M], among normals, [N], by their anomaly scores."""
    return metrics.auroc(np.arange(len(normal) + len(odd)) >= len(normal), np.concatenate([normal, odd]))


def held_back_and_left_out(result: Result, epoch: int) -> tuple[Scores, Scores]:
    """Anomaly scores of a cell without a group: of the held-back normals, and of those left out."""
    scores = -result.logits[epoch]
    return scores[: result.normals], scores[result.normals :]
