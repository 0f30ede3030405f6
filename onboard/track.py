"""One decision a track: frames of one object are dependent, so their p-values do not simply add up."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard import conformal
from onboard.bundle import Bundle
from onboard.calibration import TrackStatistic
from onboard.errors import InputError


class Accumulator:
    """Gathers a track's evidence, frame by frame.

    Args:
        statistic: how.
    """

    def __init__(self, statistic: TrackStatistic) -> None:
        self._how = statistic
        self._missing = 0
        self._recent: deque[float] = deque(maxlen=statistic.n)
        self._level = 0.0
        self._forget()

    @property
    def memory(self) -> tuple[int, float, tuple[float, ...]]:
        """All that it keeps: missing frames in a row, the level, and k_of_n's last evidence, oldest first."""
        return self._missing, self._level, tuple(self._recent)

    @memory.setter
    def memory(self, kept: tuple[int, float, tuple[float, ...]]) -> None:
        self._missing, self._level, recent = kept
        self._recent = deque(recent, maxlen=self._how.n)

    def update(self, score: float | None, p_value: float | None) -> float:
        """Take the next frame and give the statistic after it.

        A missing frame leaves `ewma` and `cusum` as they are and takes a place among `k_of_n`'s last n.

        Args:
            score: anomaly score; None: the frame is missing, or has no verdict.
            p_value: of the frame, in (0, 1]; None as for `score`.

        Returns:
            Higher is more debris-like; -inf where k_of_n has not seen k frames.
        """
        evidence = self._evidence(score, p_value)
        if evidence is None:
            self._missing += 1
            if self._missing > self._how.gap_frames:
                self._forget()
        else:
            self._missing = 0
        return self._gather(evidence)

    def _evidence(self, score: float | None, p_value: float | None) -> float | None:
        if self._how.evidence == "score":
            return None if score is None or not math.isfinite(score) else score
        return None if p_value is None or not 0 < p_value <= 1 else -math.log(p_value)

    def _gather(self, evidence: float | None) -> float:
        how = self._how
        if how.kind == "k_of_n":
            self._recent.append(-math.inf if evidence is None else evidence)
            return sorted(self._recent)[-how.k] if len(self._recent) >= how.k else -math.inf
        if evidence is not None:
            if how.kind == "ewma":
                self._level += how.weight * (evidence - self._level)
            else:
                self._level = max(0.0, self._level + evidence - how.usual - how.slack)
        return self._level

    def _forget(self) -> None:
        self._level = self._how.usual if self._how.kind == "ewma" else 0.0
        self._recent.clear()


@dataclass(frozen=True)
class TrackRule:
    """The bundle's per-track decision.

    Attributes:
        statistic: how a track's frames are gathered.
        horizon_frames: the promise's reach, from the first frame.
        maxima: sorted maxima of the normal tracks, float64.
        limit: the largest p-value that is an alarm.
        is_for_unseen: the maxima are other heads', of classes that those never saw.
    """

    statistic: TrackStatistic
    horizon_frames: int
    maxima: npt.NDArray[np.float64]
    limit: float
    is_for_unseen: bool = False

    @classmethod
    def at(cls, bundle: Bundle, rate: float | None = None) -> "TrackRule | None":
        """The rule of a bundle; None where it was not calibrated on tracks.

        Args:
            bundle: checked.
            rate: false alarms a normal track within the horizon; None takes the calibrated one.

        Raises:
            InputError: the calibration tracks cannot support the rate.
        """
        found = bundle.manifest.calibration.track if bundle.manifest.calibration else None
        if found is None:
            return None
        maxima = bundle.sorted_scores(found.maxima, np.float64)
        rate = found.false_alarm_rate if rate is None else rate
        k = conformal.rank(len(maxima), rate)
        if found.classes is not None:
            k = conformal.class_rank(found.classes, len(maxima) // found.classes, rate)
        if not k and found.classes is not None:
            raise InputError(
                f"track false-alarm rate {rate:g} is finer than {found.classes} classes can support for one never seen "
                f"(1 / {found.classes + 1}); raise it, or calibrate on tracks of more classes"
            )
        if not k:
            raise InputError(
                f"track false-alarm rate {rate:g} is finer than {len(maxima)} calibration tracks can support; "
                f"raise it, or calibrate on at least {conformal.needed(rate)} tracks"
            )
        return cls(found.statistic, found.horizon_frames, maxima, k / (len(maxima) + 1), found.classes is not None)


@dataclass(frozen=True)
class TrackState:
    """What is known of a track after a frame.

    Attributes:
        frames: seen or missed so far, from 1.
        value: the statistic now.
        highest: its highest value within the horizon so far; a track's number for `onboard.drift` when that has ended.
        p_value: of the highest value within the horizon: share of normal tracks that rose at least as high within it.
            It only falls, and below a limit it falls for at most that share of normal tracks (of a calibration for
            classes never seen, it is only to be compared with the rule's limit).
        is_debris: whether the track alarmed; an alarm stays.
        alarm_frame: at which frame it did, counted from 1; None: it has not.
        beyond_horizon: the promise covers no later frame, so none can raise an alarm.
    """

    frames: int
    value: float
    highest: float
    p_value: float
    is_debris: bool
    alarm_frame: int | None
    beyond_horizon: bool


@dataclass(frozen=True)
class TrackMemory:
    """All that a track needs to go on in another process.

    Attributes:
        frames, highest, alarm_frame: as in `TrackState`.
        missing, level, recent: the accumulator's; recent has at most `TrackStatistic.n` numbers.
    """

    frames: int
    highest: float
    alarm_frame: int | None
    missing: int
    level: float
    recent: tuple[float, ...]


class Track:
    """One track in flight.

        track = Track(TrackRule.at(bundle))
        state = track.update(answer.anomaly_score, answer.p_value)   # None, None for a missing frame

    A frame that never came must be told too (by its gap in the frame ids): the horizon counts it.
    """

    def __init__(self, rule: TrackRule) -> None:
        self._rule = rule
        self._accumulator = Accumulator(rule.statistic)
        self._frames = 0
        self._highest = -math.inf
        self._alarm_frame: int | None = None

    @property
    def memory(self) -> TrackMemory:
        """To be kept across a restart."""
        return TrackMemory(self._frames, self._highest, self._alarm_frame, *self._accumulator.memory)

    @classmethod
    def going_on(cls, rule: TrackRule, kept: TrackMemory) -> "Track":
        """A track where another process left it; the rule has to be the same."""
        track = cls(rule)
        track._frames, track._highest, track._alarm_frame = kept.frames, kept.highest, kept.alarm_frame
        track._accumulator.memory = kept.missing, kept.level, kept.recent
        return track

    def update(self, score: float | None, p_value: float | None) -> TrackState:
        """Take the next frame, as `Accumulator.update` does."""
        self._frames += 1
        value = self._accumulator.update(score, p_value)
        beyond = self._frames > self._rule.horizon_frames
        if not beyond:
            self._highest = max(self._highest, value)
        p_track = conformal.p_value(self._rule.maxima, self._highest)
        if self._alarm_frame is None and not beyond and p_track <= self._rule.limit:
            self._alarm_frame = self._frames
        return TrackState(
            self._frames, value, self._highest, p_track, self._alarm_frame is not None, self._alarm_frame, beyond
        )


def values(
    statistic: TrackStatistic, scores: list[float | None], p_values: list[float | None]
) -> npt.NDArray[np.float64]:
    """The statistic after each frame of a whole track, float64 [frames]."""
    accumulator = Accumulator(statistic)
    return np.array([accumulator.update(s, p) for s, p in zip(scores, p_values, strict=True)])
