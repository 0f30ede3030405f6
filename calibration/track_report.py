"""What a track threshold does to debris, and to a class that it never saw. Reported, never used to choose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.track_data import ScoredTrack
from onboard.calibration import TrackStatistic
from onboard.track import Track, TrackRule, values


@dataclass(frozen=True)
class Debris:
    """Debris tracks under a rule.

    Attributes:
        tracks: how many there are.
        delays_frames: of those that alarmed: the frame of the alarm, counted from 1, ascending.
    """

    tracks: int
    delays_frames: list[int]

    @property
    def missed(self) -> float:
        return 1 - len(self.delays_frames) / self.tracks

    def text(self) -> str:
        if not self.delays_frames:
            return f"debris: all {self.tracks} tracks missed"
        p50, p90 = np.percentile(self.delays_frames, [50, 90], method="higher")
        missed = self.tracks - len(self.delays_frames)
        return (
            f"debris: {missed} of {self.tracks} tracks missed ({self.missed:.1%}); alarm at frame {p50} (median), "
            f"{p90} (90 % of those found), {self.delays_frames[-1]} (last)"
        )


def debris(rule: TrackRule, tracks: Sequence[ScoredTrack]) -> Debris:
    """Fly debris tracks through the rule."""
    alarms = []
    for scored in tracks:
        track = Track(rule)
        states = [track.update(s, p) for s, p in zip(scored.scores, scored.p_values, strict=True)]
        if states[-1].alarm_frame is not None:
            alarms.append(states[-1].alarm_frame)
    return Debris(len(tracks), sorted(alarms))


def maxima(statistic: TrackStatistic, tracks: Sequence[ScoredTrack], horizon: int) -> npt.NDArray[np.float64]:
    """The highest value of each track within the horizon, in order of the tracks; -inf where it has none."""
    return np.array([values(statistic, t.scores[:horizon], t.p_values[:horizon]).max() for t in tracks])
