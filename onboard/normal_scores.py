"""The bundle's normal scores, by apparent size where it was calibrated so, and the decision that rests on them."""

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard import conformal
from onboard.bundle import Bundle
from onboard.errors import InputError, RateError

Box = tuple[float, float, float, float]
DEFAULT_RATE = 0.05  # where neither the bundle nor the configuration says one


def apparent_size_px(box: Box) -> float:
    """Square root of the box's area, in frame pixels."""
    return math.sqrt(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))


@dataclass(frozen=True)
class NormalScores:
    """Scores of normal data in one or several groups of apparent size.

    Attributes:
        ends_px: where each group but the last ends; [] for one group.
        groups: sorted float32 scores of each group.
    """

    ends_px: tuple[float, ...]
    groups: tuple[npt.NDArray[np.float32], ...]

    @classmethod
    def of(cls, bundle: Bundle) -> "NormalScores | None":
        """Of a bundle; None where it has no calibration at all.

        Raises:
            InputError: a file of scores is not what the manifest says, or the groups leave a gap.
        """
        found = bundle.manifest.calibration
        if found is None or found.frame is None:
            scores = bundle.calibration_scores()
            return None if scores is None else cls((), (scores,))
        groups = found.frame.groups
        edges = [0.0, *(group.to_px for group in groups)]
        if [group.from_px for group in groups] != edges[:-1] or edges[-1] is not None or None in edges[:-1]:
            raise InputError(f"{bundle.folder}: calibration.frame.groups leave a gap or overlap; calibrate again")
        ends = tuple(float(group.to_px) for group in groups if group.to_px is not None)
        if list(ends) != sorted(set(ends)):
            raise InputError(f"{bundle.folder}: calibration.frame.groups do not ascend; calibrate again")
        sets = tuple(bundle.sorted_scores(group.scores, np.float32) for group in groups)
        for group, found_scores in zip(groups, sets, strict=True):
            if len(found_scores) != group.frames:
                raise InputError(
                    f"{bundle.folder / group.scores}: holds {len(found_scores)} scores, the manifest says "
                    f"{group.frames}; calibrate again"
                )
        return cls(ends, sets)

    @property
    def frames(self) -> int:
        """Normal frames in all groups together."""
        return sum(len(scores) for scores in self.groups)

    def group_of(self, box: Box) -> int:
        """Which group a box belongs to."""
        return bisect_right(self.ends_px, apparent_size_px(box))

    def p_value(self, score: float, box: Box) -> float:
        """Share of normal scores of the box's group that are at least as high; see `conformal.p_value`."""
        return conformal.p_value(self.groups[self.group_of(box)], score)


@dataclass(frozen=True)
class FrameRule:
    """Calls a box debris where its p-value is at most its group's limit.

    Attributes:
        rate: false-alarm rate that it keeps.
        confidence: with which it keeps it; None: on average over calibration sets.
        scores: that the p-values rest on.
        limits: the largest p-value of each group that is an alarm.
    """

    rate: float
    confidence: float | None
    scores: NormalScores
    limits: tuple[float, ...]

    @classmethod
    def at(cls, bundle: Bundle, rate: float | None = None, confidence: float | None = None) -> "FrameRule | None":
        """The rule of a bundle at one false-alarm rate; None where the bundle has no calibration.

        Args:
            bundle: checked.
            rate: false-alarm rate; None takes the bundle's calibrated one and its confidence, or 0.05 where it has
                none.
            confidence: that goes with `rate`; None promises the rate on average over calibration sets.

        Raises:
            RateError: the calibration frames cannot support the rate.
            InputError: files of the calibration are not what the manifest says.
        """
        scores = NormalScores.of(bundle)
        if scores is None:
            return None
        found = bundle.manifest.calibration.frame if bundle.manifest.calibration else None
        if rate is None:
            rate = found.false_alarm_rate if found else DEFAULT_RATE
            confidence = found.confidence if found and confidence is None else confidence
        counts = [len(group) for group in scores.groups]
        ranks = [conformal.rank(count, rate, confidence) for count in counts]
        if not all(ranks):
            fewest, needed = min(counts), conformal.needed(rate, confidence)
            sure = "" if confidence is None else f" at a confidence of {confidence:g}"
            raise RateError(
                f"false_alarm_rate: {rate:g}{sure} is finer than {fewest} calibration frames can support "
                f"(1 / {fewest + 1} = {1 / (fewest + 1):.4g}); raise it, or calibrate on at least {needed} frames"
                + (" of each size" if len(counts) > 1 else "")
            )
        return cls(rate, confidence, scores, tuple(k / (count + 1) for k, count in zip(ranks, counts, strict=True)))

    def is_debris(self, p_value: float, box: Box) -> bool:
        """Whether the box is called debris."""
        return p_value <= self.limits[self.scores.group_of(box)]
