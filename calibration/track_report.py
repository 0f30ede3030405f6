"""What a track threshold does to debris, and to a class that it never saw. Reported, never used to choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from calibration.track_data import ScoredTrack
from onboard import conformal
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


@dataclass(frozen=True)
class LeftOut:
    """A class whose tracks the threshold was not calibrated on.

    Attributes:
        name: the class.
        bundle: the head's; None: the calibrated bundle, whose head may know the class.
        calibrated: tracks of the other classes.
        tracks: of this class.
        alarms: of those, within the horizon; None where `calibrated` cannot support the rate.
    """

    name: str
    bundle: Path | None
    calibrated: int
    tracks: int
    alarms: int | None


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


def left_out(
    name: str, statistic: TrackStatistic, tracks: Sequence[ScoredTrack], horizon: int, rate: float, bundle: Path | None
) -> LeftOut:
    """Set the threshold on all classes but one, and count the false alarms on that one."""
    inside = np.array([scored.track.label == name for scored in tracks])
    tops = maxima(statistic, tracks, horizon)
    others, ours = np.sort(tops[~inside]), tops[inside]
    k = conformal.rank(len(others), rate)
    alarms = int(np.count_nonzero(ours > others[-k])) if k else None
    return LeftOut(name, bundle, len(others), len(ours), alarms)


def left_out_text(found: Sequence[LeftOut], rate: float) -> str:
    """The table, and the share of all of them with its exact 95 % interval, as if tracks were independent."""
    lines = ["class left out       head            calibrated on   its tracks   false alarms"]
    for one in found:
        head = "knows it" if one.bundle is None else "never saw it"
        told = "too few" if one.alarms is None else str(one.alarms)
        lines.append(f"{one.name:<20} {head:<15}{one.calibrated:>14}{one.tracks:>13}{told:>15}")
    counted = [one for one in found if one.alarms is not None]
    if counted:
        total, alarms = sum(one.tracks for one in counted), sum(one.alarms or 0 for one in counted)
        low, high = stats.binomtest(alarms, total).proportion_ci(method="exact")
        lines.append(
            f"all of them: {alarms} of {total} alarmed, {alarms / total:.3f} (95 %: {low:.3f} to {high:.3f}); "
            f"alpha is {rate:g}"
        )
    return "\n".join(lines)
