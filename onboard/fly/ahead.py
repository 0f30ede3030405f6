"""The next frame is taken while the engine works on the one before it, where the loop is behind its source."""

import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from onboard.detector import Detector
from onboard.journal import Arrival
from onboard.sanity import Refusal, Sanity
from onboard.sources import Settled, SourceFrame, Taken
from onboard.sources.source import Flaw
from onboard.window import Window

if TYPE_CHECKING:
    from onboard.fly.loop import Parts

AHEAD = "ahead"
"""The thread's name."""
_LEAD_NS = 1_500_000  # taken so long before the engine will be done: no sooner, or it is old when its turn comes
_SPREAD = 10  # and this part of the engine's time sooner, for it varies


class Begun(NamedTuple):
    """A frame on which work has begun.

    Attributes:
        arrival: what the journal said.
        looked: whether sanity has looked at it.
        refusal: what that said; None: nothing is wrong.
        detector, window: its window, where it was cut, and what it was cut for; the seat alone keeps that alive, for a
            GPU may not have room for it and the one that takes its place.
    """

    arrival: Arrival
    looked: bool = False
    refusal: Refusal | None = None
    detector: "weakref.ref[Detector] | None" = None
    window: Window | None = None

    def window_for(self, detector: Detector | None) -> Window | None:
        """The window, where it was cut for this detector."""
        return self.window if self.detector is not None and self.detector() is detector else None


class Ahead(NamedTuple):
    """What was found when the engine was done.

    Attributes:
        flaw: of the frame that the engine worked on.
        taken: what the source has given meanwhile.
        begun: of its items, all or none.
    """

    flaw: Flaw | None
    taken: Taken
    begun: tuple[Begun, ...]


class LookAhead:
    """Does the loop's work on the next frame, as far as its window, in a thread beside the engine: RECEIVED, sanity,
    cutting.

    The loop waits for it before it goes on, so no two threads use source, journal or sanity at once.

    Args:
        parts: of the loop.
        sanity: the loop's.

    Attributes:
        wanted: whether the next frame is likely to be there before the engine is done: this one was, when the loop came
            for it.
    """

    def __init__(self, parts: "Parts", sanity: Sanity) -> None:
        self._parts, self._sanity = parts, sanity
        self._most = parts.config.journal.records // 4  # frames that are begun before the first of them ends
        self._engine_ns = 0
        self._engine_done = threading.Event()
        self._looking: Callable[[], Ahead] | None = None
        self._found: Ahead | None = None
        self.wanted = False

    @property
    def holds_frames(self) -> bool:
        """Whether `found` has something to give."""
        return self._found is not None

    def found(self) -> Ahead | None:
        """What was taken beside the engine, once; None where that was nothing."""
        found, self._found = self._found, None
        return found

    def begin(self, item: SourceFrame | Settled) -> Begun:
        """Tell the journal of a frame, and do nothing else yet."""
        return Begun(self._parts.journal.begin(item.run, item.frame_id))

    def beside(self, frame: SourceFrame) -> Callable[[], None] | None:
        """To be called when the window of this frame is cut and the engine begins; None: nothing is to be done."""
        wait_ns = self._engine_ns - self._engine_ns // _SPREAD - _LEAD_NS
        if not self.wanted or wait_ns < _LEAD_NS:  # a fast engine is done before the thread is awake
            return None
        return partial(self._start, partial(self._take, frame, wait_ns))

    def flaw(self, frame: SourceFrame, engine_ns: int) -> Flaw | None:
        """Wait for what runs beside the engine; gives what is wrong with the pixels of the frame that it worked on.

        Args:
            frame: that frame.
            engine_ns: how long the engine took; 0 where it was not asked.
        """
        self._engine_ns = engine_ns or self._engine_ns
        looking, self._looking = self._looking, None
        if looking is None:
            return frame.flaw()
        self._engine_done.set()
        ahead = looking()
        if ahead.taken.items:
            self._found = ahead
        else:
            for event in ahead.taken.events:
                self._parts.events.add(*event)
        return ahead.flaw

    def _start(self, job: Callable[[], Ahead]) -> None:
        self._engine_done.clear()
        self._looking = self._parts.helper.begin(job)

    def _take(self, before: SourceFrame, wait_ns: int) -> Ahead:
        """The flaw of the frame before, for its pixels go; then what has arrived since."""
        self._engine_done.wait(wait_ns / 1e9)  # an engine that is faster this time does not wait for the thread's sleep
        flaw, taken = before.flaw(), self._parts.source.take(0)
        if len(taken.items) > self._most:
            return Ahead(flaw, taken, ())
        return Ahead(flaw, taken, tuple(self._look(item, self.begin(item)) for item in taken.items))

    def _look(self, item: SourceFrame | Settled, begun: Begun) -> Begun:
        if not isinstance(item, SourceFrame) or not begun.arrival.recorded:
            return begun
        refusal, detector = self._sanity.check(item.pixels, item.content), self._parts.guard.flown.detector
        if refusal is not None or item.box is None or detector is None:
            return Begun(begun.arrival, True, refusal)
        return Begun(begun.arrival, True, None, weakref.ref(detector), detector.prepare(item.pixels, item.box))
