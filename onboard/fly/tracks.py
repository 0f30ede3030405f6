"""One track for each run of the source, judged frame by frame."""

import math
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass

from onboard.drift import DriftMonitor
from onboard.event import Events
from onboard.fly.kept import Kept
from onboard.messages import Answer, Status, TrackVerdict
from onboard.track import Track, TrackRule

MOST, _MOST_LOST = 64, 1024  # runs at a time, as in the journal; runs that are known to have no track any more


@dataclass
class _Flown:
    track: Track
    highest_id: int


class Tracks:
    """The tracks of the runs that are flown.

    Args:
        kept: where an earlier process has left its tracks, and this one leaves its own.
        begun: runs that an earlier process has worked on. Those that it has not kept get no track verdict. Nor does a
            run that was the oldest of 64 when another one began.
        events: told of such runs.

    Attributes:
        drift: watches whether tracks are still like the calibration's; None without a rule, and with one for classes
            never seen, whose numbers are not this head's. It takes the tracks that reached their horizon, and goes on
            after a restart.
    """

    def __init__(self, kept: Kept, begun: set[bytes], events: Events) -> None:
        self._kept, self._events = kept, events
        self._rule: TrackRule | None = None
        self._flies = False
        self._lost: deque[bytes] = deque(begun, maxlen=_MOST_LOST)
        self._flown: OrderedDict[bytes, _Flown] = OrderedDict()
        self.drift: DriftMonitor | None = None

    def start_over(self, rule: TrackRule | None, bundle: str) -> None:
        """Fly a bundle. The first one goes on with what an earlier process has kept of it. Whatever flies later begins
        anew, also a bundle that comes back: runs that another one has worked on are lost, for its numbers do not go
        with these.

        Args:
            rule: the bundle's; None: there are no track verdicts.
            bundle: its SHA-256.
        """
        self._lost.extend(self._flown)
        self._flown.clear()
        if self._flies or rule is None:
            self._kept.forget_all()
        self._flies, self._rule, self.drift = True, rule, None
        if rule is not None:
            for found in self._kept.begin(rule, bundle):
                self._flown[found.run] = _Flown(Track.going_on(rule, found.memory), found.highest_id)
            self.drift = self._kept.drift()

    def update(self, run: bytes, frame_id: int, answer: Answer) -> TrackVerdict | None:
        """Take the next frame of a run, and before it those ids that never came.

        Returns:
            The track's state; None without a rule, for a run that began before this process, and for a frame that came
            after a later one (it has been counted as missing).
        """
        if self._rule is None:
            if not self._lost or self._lost[-1] != run:  # a bundle that comes later has not seen it begin
                self._lost.append(run)
            return None
        flown = self._flown.get(run)
        if flown is None:
            flown = self._start(self._rule, run, frame_id)
        if flown is None or frame_id <= flown.highest_id:
            return None
        # Beyond the horizon nothing changes any more, so a counter that leaps does not keep the loop busy.
        most = self._rule.horizon_frames + self._rule.statistic.gap_frames + 1
        for _ in range(min(frame_id - flown.highest_id - 1, most)):
            self._step(flown, None, None)
        flown.highest_id = frame_id
        answered = answer.status is Status.ANSWERED
        verdict = self._step(flown, *((answer.anomaly_score, answer.p_value) if answered else (None, None)))
        self._kept.keep(run, frame_id, flown.track.memory)
        return verdict

    def lose(self, run: bytes) -> None:
        """Judge a run's track no longer, for what is known of it may be wrong; raises nothing."""
        self._flown.pop(run, None)
        if run not in self._lost:
            self._lost.append(run)
        with suppress(Exception):  # it may be what has failed before
            self._kept.forget(run)

    def drift_state(self) -> dict[str, object] | None:
        """For the summary."""
        if self.drift is None:
            return None
        return {
            "tracks": self.drift.tracks,
            "log_capital": self.drift.log_capital,
            "alarm_at_0.01": self.drift.alarm(0.01),
        }

    def _start(self, rule: TrackRule, run: bytes, frame_id: int) -> _Flown | None:
        if run in self._lost:
            why = f"run {run.hex()} began under another bundle, or long ago: no track verdict for it"
            self._events.add("track_lost", why)
            return None
        if len(self._flown) >= MOST:
            oldest, _ = self._flown.popitem(last=False)
            self._lost.append(oldest)
            self._kept.forget(oldest)
        flown = self._flown[run] = _Flown(Track(rule), frame_id - 1)
        return flown

    def _step(self, flown: _Flown, score: float | None, p_value: float | None) -> TrackVerdict:
        state = flown.track.update(score, p_value)
        assert self._rule is not None
        if state.frames == self._rule.horizon_frames and self.drift is not None and math.isfinite(state.highest):
            self.drift.update(state.highest)
            self._kept.keep_drift(self.drift)
        return TrackVerdict(
            state.frames,
            state.value if math.isfinite(state.value) else None,
            state.p_value,
            state.is_debris,
            state.alarm_frame,
            state.beyond_horizon,
        )
