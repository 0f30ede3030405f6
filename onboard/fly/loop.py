"""The loop itself: every frame of the source gets one record, then its verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from onboard.control.socket import ControlSocket
from onboard.errors import unforeseen
from onboard.event import Events
from onboard.finder import Boxes
from onboard.fly.account import Account
from onboard.fly.ahead import Ahead, Begun, LookAhead
from onboard.fly.clock import ClockWatch
from onboard.fly.config import NodeConfig
from onboard.fly.debris_side import judged
from onboard.fly.event_log import EventLog
from onboard.fly.guard import Guard
from onboard.fly.outlet import Outlet
from onboard.fly.output_sanity import without_verdict
from onboard.fly.storage import Storage
from onboard.fly.tracks import Tracks
from onboard.fly.unfit import other_size, small_box
from onboard.health.background import Background
from onboard.helper import Helper
from onboard.journal import Arrival, Journal
from onboard.messages import Answer, Status
from onboard.sanity import Sanity
from onboard.sources import Settled, Source, SourceFrame, Taken
from onboard.telemetry.telemetry import Telemetry
from onboard.watchdog import Pings

STALE, NO_BOX, PAUSED = "stale", "no_box", "paused"
_CLOCKS_AGREE_MS = 1.0
_BOX_TROUBLE = (NO_BOX, "box_")


@dataclass
class Parts:
    """What the loop works with, each made from the configuration by `onboard.fly.start`."""

    config: NodeConfig
    source: Source
    journal: Journal
    guard: Guard
    tracks: Tracks
    outlet: Outlet
    account: Account
    events: Events
    log: EventLog
    storage: Storage
    background: Background
    pings: Pings
    telemetry: Telemetry | None
    helper: Helper[Ahead]
    clock: ClockWatch
    control: ControlSocket | None = None
    paused: bool = False


class Loop:
    """Takes frames and settles each: RECEIVED, freshness, sanity, box, detector, terminal record, verdict.

    Args:
        parts: what it works with.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sanity = Sanity(parts.config.sanity)
        self._boxes = None if parts.config.finder is None else Boxes(parts.config.finder)
        self._offset_ns = round(parts.config.clock_offset_ms * 1e6)
        self._look_ahead = LookAhead(parts, self._sanity)
        self._stopping = False

    def run(self, stop: Callable[[], bool], *each_turn: Callable[[], None]) -> None:
        """Fly until the source has ended or `stop` says so; what was taken by then is settled.

        Args:
            stop: asked between two turns.
            each_turn: called after each.
        """
        while not stop() and not self._parts.source.ended:
            self.turn(0.1)
            for call in each_turn:
                call()
        self._stopping = True
        if self._look_ahead.holds_frames:
            self.turn(0)

    def turn(self, timeout_s: float) -> None:
        """Settle what has arrived; where that is nothing, what arrives first within `timeout_s`."""
        parts, ahead = self._parts, self._look_ahead.found()
        taken, waited = self._taken(timeout_s) if ahead is None else (ahead.taken, False)
        for n, item in enumerate(taken.items):
            # Beside the last one only: what comes next is begun behind all of these.
            self._look_ahead.wanted = not waited and not self._stopping and n == len(taken.items) - 1
            begun = ahead.begun[n] if ahead is not None and ahead.begun else self._look_ahead.begin(item)
            if begun.arrival.recorded:
                self._settle(item, begun)
                self._tell_of_order(item, begun.arrival)
                parts.guard.mend()
            else:
                self._refuse(item, begun.arrival)
        parts.guard.tend()
        if told := [*taken.events, *parts.journal.take_events(), *parts.events.take()]:
            parts.log.write(told)

    def _taken(self, timeout_s: float) -> tuple[Taken, bool]:
        """What the source has, or what comes first within this time; whether it had to be waited for."""
        source = self._parts.source
        taken = source.take(0.0)
        if taken.items or source.ended:
            return taken, False
        later = source.take(timeout_s)
        return msgspec.structs.replace(later, events=(*taken.events, *later.events)), True

    def _settle(self, item: SourceFrame | Settled, begun: Begun) -> None:
        """Give a frame that was begun its answer, its record and its verdict."""
        parts = self._parts
        if isinstance(item, SourceFrame):
            parts.clock.look(item.arrived_ns, item.sent_ns)
            item, answer = self._judge(item, begun)
        else:
            answer = Answer(item.status, item.reason, item.detail)
        answer, verdict = judged(parts, item, answer)
        decided_ns = time.monotonic_ns()
        parts.journal.end(item.run, item.frame_id, answer.status, answer.reason)
        parts.outlet.send(verdict)
        parts.account.add(answer, verdict.is_debris)
        if isinstance(item, SourceFrame) and answer.status is not Status.SKIPPED:
            self._time(item, answer, decided_ns, time.monotonic_ns())

    def _time(self, frame: SourceFrame, answer: Answer, decided_ns: int, sent_ns: int) -> None:
        age_ns, total_ns = self._age_ns(frame, frame.arrived_ns), sent_ns - frame.arrived_ns
        missed = self._parts.account.time(age_ns, answer, sent_ns - decided_ns, total_ns)
        if missed.stages:
            self._parts.events.add("budget_missed", f"{frame.name}: {', '.join(missed.stages)}")
        if missed.deadline:
            late = f"{frame.name}: {age_ns / 1e6:.1f} ms old on arrival, {total_ns / 1e6:.1f} ms until its verdict"
            self._parts.events.add("deadline_missed", late)

    def _judge(self, frame: SourceFrame, begun: Begun) -> tuple[SourceFrame, Answer]:
        """The frame with its box, and the answer; void where its pixels were altered or overwritten meanwhile."""
        parts = self._parts
        answer, find_ns = self._refused(frame, begun), 0
        unfit = other_size(parts.guard.bundle.manifest.calibration, frame)
        if answer is None and frame.box is None and (unfit is None or self._has_poses()):
            frame, answer, find_ns = self._found(frame)
        unfit = unfit or small_box(parts.config.sanity, frame)
        if answer is None and unfit is not None and not self._has_poses():
            answer = Answer(Status.REJECTED, *unfit)
        if answer is None:
            assert frame.box is not None
            window = begun.window_for(parts.guard.flown.detector)
            answer = parts.guard(frame.pixels, frame.box, window, self._look_ahead.beside(frame))
        if parts.guard.bundle.manifest.crop.whole and (answer.reason or "").startswith(_BOX_TROUBLE):
            answer = self._pose_alone(frame, answer)
        if unfit is not None and answer.status is Status.ANSWERED:
            answer = without_verdict(answer, *unfit)
        if (flaw := self._look_ahead.flaw(frame, answer.infer_ns)) is not None:
            answer = Answer(*flaw, window_ns=answer.window_ns, infer_ns=answer.infer_ns)
        return frame, msgspec.structs.replace(answer, find_ns=find_ns) if find_ns else answer

    def _found(self, frame: SourceFrame) -> tuple[SourceFrame, Answer | None, int]:
        """The frame with a box, or the answer where there is none, and how many ns looking for it took."""
        if self._boxes is None:
            return frame, Answer(Status.REJECTED, NO_BOX, "neither message, sidecar nor finder gives a box"), 0
        start_ns = time.monotonic_ns()
        try:
            found = self._boxes(frame.run, frame.frame_id, frame.pixels)
        except Exception as error:  # a fault of the node: the flight goes on, and the pose of whole frames with it
            why = unforeseen(error)
            self._parts.events.add("debris_failed", f"{frame.name}: {why}")
            return frame, Answer(Status.REJECTED, NO_BOX, why), time.monotonic_ns() - start_ns
        took_ns = time.monotonic_ns() - start_ns
        if found.box is None:
            return frame, Answer(Status.REJECTED, NO_BOX, found.why), took_ns
        return msgspec.structs.replace(frame, box=found.box, box_source=found.source), None, took_ns

    def _pose_alone(self, frame: SourceFrame, answer: Answer) -> Answer:
        """The answer, with the pose of a network that sees the whole frame and asks for no box."""
        height, width = frame.pixels.shape[:2]
        seen = self._parts.guard(frame.pixels, (0.0, 0.0, float(width), float(height)))
        if seen.fault:  # or else the engine would be reloaded for it, and nothing say why
            self._parts.events.add("debris_failed", f"{frame.name}: {seen.detail}")
        times = {"window_ns": seen.window_ns, "infer_ns": seen.infer_ns}
        return msgspec.structs.replace(answer, outputs=seen.outputs, suspect=seen.suspect, **times)

    def _refused(self, frame: SourceFrame, begun: Begun) -> Answer | None:
        """Why a frame is not judged; None: it is."""
        if self._parts.paused:
            return Answer(Status.SKIPPED, PAUSED, "told to pause; 'python -m onboard tell ENDPOINT resume' ends it")
        stale_ms = self._parts.config.stale_ms
        age_ms = self._age_ns(frame, time.monotonic_ns()) / 1e6
        if age_ms < -_CLOCKS_AGREE_MS:
            early = f"{frame.name}: exposed {-age_ms:.0f} ms from now; set clock_offset_ms, or nothing is ever stale"
            self._parts.events.add("clock_ahead", early)
        if stale_ms is not None and age_ms > stale_ms:
            return Answer(Status.SKIPPED, STALE, f"{age_ms:.0f} ms old, stale_ms is {stale_ms:g}")
        if (blind := self._parts.guard.blind()) is not None:
            return blind
        refusal = begun.refusal if begun.looked else self._sanity.check(frame.pixels, frame.content)
        if refusal is not None:
            return Answer(Status.REJECTED, refusal.reason, refusal.detail)
        return None

    def _has_poses(self) -> bool:
        return self._parts.guard.flown.carries(self._parts.config.output.pose_outputs)

    def _refuse(self, item: SourceFrame | Settled, arrival: Arrival) -> None:
        self._parts.account.arrived_again(arrival)
        self._parts.events.add(arrival.value, f"frame {item.frame_id} of run {item.run.hex()}: no record, no verdict")

    def _tell_of_order(self, item: SourceFrame | Settled, arrival: Arrival) -> None:
        if arrival is Arrival.REORDERED:
            self._parts.account.reordered += 1
            why = "a later id came before it; it has its record, and its track goes on without it"
            self._parts.events.add(arrival.value, f"frame {item.frame_id} of run {item.run.hex()}: {why}")

    def _age_ns(self, frame: SourceFrame, at_ns: int) -> int:
        """From the exposure's start until this time; below 0 where the sender's clock is ahead."""
        return at_ns - frame.exposure_start_ns - self._offset_ns
