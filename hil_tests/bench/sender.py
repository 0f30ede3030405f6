"""Plays the camera: exposures at a rate, faults as planned, everything noted."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import zmq

from hil_tests.bench.config import StreamSetup
from hil_tests.bench.history import Sent
from hil_tests.bench.message_faults import Outgoing, strike
from hil_tests.bench.pictures import Picture
from hil_tests.bench.plan import FaultPlan, Injection
from hil_tests.bench.timeline import timeline
from onboard.sockets import Curve, attach

_LEAD_NS = 50_000_000  # from the call to the first exposure


class Sender:
    """Sends frame messages.

    Args:
        setup: rate, jitter, queue.
        pictures: that are sent again and again.
        endpoint: the node's.
        curve: keys.
        seed: of jitter and transport.
    """

    def __init__(
        self, setup: StreamSetup, pictures: Sequence[Picture], endpoint: str, curve: Curve | None, seed: int
    ) -> None:
        self._setup, self._pictures, self._seed = setup, pictures, seed
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, setup.queue)
        self._socket.setsockopt(zmq.LINGER, 0)
        attach(self._context, self._socket, endpoint, False, curve)

    def close(self) -> None:
        self._context.destroy(0)

    def send(
        self,
        run: bytes,
        frames: int,
        plan: FaultPlan | None = None,
        injections: Sequence[Injection] = (),
        stale_ms: float = 1000.0,
        at_process_fault: Callable[[Injection], None] = lambda _: None,
        rate_hz: float | None = None,
        first_picture: int = 0,
    ) -> list[Sent]:
        """Send a run; gives what became of each frame here, by its id.

        Args:
            run: 16 bytes.
            frames: exposures.
            plan, injections: faults; none without a plan.
            stale_ms: the node's.
            at_process_fault: told at the frame where a fault of the process begins; must not wait.
            rate_hz: in place of the configured one.
            first_picture: that the first frame shows.
        """
        rate_hz = rate_hz or self._setup.rate_hz
        exposed, due = timeline(self._setup, frames, rate_hz, self._seed, injections, plan)
        begins = {each.frame_id: each for each in injections}
        struck = {n: each.kind for each in injections for n in range(each.frame_id, each.frame_id + each.frames)}
        first_ns = time.monotonic_ns() + _LEAD_NS
        notes = [
            Sent(
                n,
                (first_picture + n) % len(self._pictures),
                struck.get(n),
                first_ns + int(exposed[n]),
                first_ns + int(due[n]),
            )
            for n in range(frames)
        ]
        for n in np.argsort(due, kind="stable").tolist():
            note, fault = notes[n], begins.get(n)
            _sleep_until(note.due_ns)
            if fault is not None and fault.of_process:
                at_process_fault(fault)
            frame = self._sound(run, notes[n])
            if fault is not None and plan is not None:
                frame = strike(frame, self._sound(run, notes[max(0, n - 1)]), fault, plan, stale_ms)
            self._hand_over(frame, note)
        return notes

    def _sound(self, run: bytes, note: Sent) -> Outgoing:
        picture = self._pictures[note.picture]
        end_ns = note.exposure_start_ns + round(self._setup.exposure_ms * 1e6)
        sent_ns = max(end_ns, time.monotonic_ns())
        header = picture.header(run, note.frame_id, note.exposure_start_ns, end_ns, sent_ns)
        return Outgoing(header, picture.payload)

    def _hand_over(self, frame: Outgoing, note: Sent) -> None:
        note.is_frame = frame.is_frame
        parts = frame.parts()
        note.sent_ns = time.monotonic_ns() if frame.copies else 0
        for _ in range(frame.copies):
            try:
                self._socket.send_multipart(parts, zmq.NOBLOCK, copy=False)
                note.handed_over += 1
            except zmq.Again:
                note.refused += 1


def _sleep_until(time_ns: int) -> None:
    while (left := time_ns - time.monotonic_ns()) > 0:
        time.sleep(left / 1e9)
