"""The loop itself: every frame of the source gets one record, then its verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from onboard.control.socket import ControlSocket
from onboard.event import Events
from onboard.fly.account import Account
from onboard.fly.ahead import Ahead, Begun, LookAhead
from onboard.fly.clock import ClockWatch
from onboard.fly.config import NodeConfig
from onboard.fly.debris_side import judged
from onboard.fly.event_log import EventLog
from onboard.fly.guard import Guard
from onboard.fly.judge import Judge
from onboard.fly.outlet import Outlet
from onboard.fly.storage import Storage
from onboard.fly.tracks import Tracks
from onboard.health.background import Background
from onboard.helper import Helper
from onboard.journal import Arrival, Journal
from onboard.messages import Answer, Status
from onboard.sanity import Sanity
from onboard.sources import Settled, Source, SourceFrame, Taken
from onboard.telemetry.telemetry import Telemetry
from onboard.watchdog import Pings


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
        sanity = Sanity(parts.config.sanity)
        self._look_ahead = LookAhead(parts, sanity)
        self._judge = Judge(parts, sanity, self._look_ahead)
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
        age_ns, total_ns = self._judge.age_ns(frame, frame.arrived_ns), sent_ns - frame.arrived_ns
        missed = self._parts.account.time(age_ns, answer, sent_ns - decided_ns, total_ns)
        if missed.stages:
            self._parts.events.add("budget_missed", f"{frame.name}: {', '.join(missed.stages)}")
        if missed.deadline:
            late = f"{frame.name}: {age_ns / 1e6:.1f} ms old on arrival, {total_ns / 1e6:.1f} ms until its verdict"
            self._parts.events.add("deadline_missed", late)

    def _refuse(self, item: SourceFrame | Settled, arrival: Arrival) -> None:
        self._parts.account.arrived_again(arrival)
        self._parts.events.add(arrival.value, f"frame {item.frame_id} of run {item.run.hex()}: no record, no verdict")

    def _tell_of_order(self, item: SourceFrame | Settled, arrival: Arrival) -> None:
        if arrival is Arrival.REORDERED:
            self._parts.account.reordered += 1
            why = "a later id came before it; it has its record, and its track goes on without it"
            self._parts.events.add(arrival.value, f"frame {item.frame_id} of run {item.run.hex()}: {why}")
