"""The next frame is taken while the engine works on the one before it, where the loop is behind its source."""

import time
from collections.abc import Callable
from typing import NamedTuple

from onboard.detector import Detector
from onboard.helper import Helper
from onboard.journal import Arrival
from onboard.sanity import Refusal
from onboard.sources import Taken
from onboard.sources.source import Flaw
from onboard.window import Window

AHEAD = "ahead"
"""The thread's name."""
MOST = 8  # frames that are begun while another one is open; the journal's smallest ring has 16 records
_LEAD_NS = 1_500_000  # taken so long before the engine will be done: no sooner, or it is old when its turn comes


class Ahead(NamedTuple):
    """What was found when the engine was done.

    Attributes:
        flaw: of the frame that the engine worked on.
        taken: what the source has given meanwhile.
        begun: of the items that the journal was told of already, all or none; what it said, and what they are.
    """

    flaw: Flaw | None
    taken: Taken
    begun: tuple["Begun", ...] = ()


class Begun(NamedTuple):
    """A frame on which work has begun beside the engine.

    Attributes:
        arrival: what the journal said.
        looked: whether sanity has looked at it.
        refusal: what that said; None: nothing is wrong.
        detector, window: its window, where it was cut, and what it was cut for.
    """

    arrival: Arrival
    looked: bool = False
    refusal: Refusal | None = None
    detector: Detector | None = None
    window: Window | None = None


class LookAhead:
    """Has the loop's own work on the next frame done beside the engine. The loop waits for both before it goes on, so
    that source, journal and sanity are never used by two threads at once.

    Args:
        helper: does it.

    Attributes:
        wanted: whether the next frame is likely to be there before the engine is done: this one was, when the loop
            came for it.
    """

    def __init__(self, helper: Helper[Ahead]) -> None:
        self._helper = helper
        self._engine_ns = 0
        self._looking: Callable[[], Ahead] | None = None
        self.wanted = False

    def start(self, job: Callable[[], Ahead]) -> None:
        """To be called when the engine begins; an engine that is fast gains nothing by it."""
        wait_ns = self._engine_ns - _LEAD_NS
        if wait_ns > _LEAD_NS:
            self._looking = self._helper.begin(lambda: _later(wait_ns, job))

    def end(self, engine_ns: int) -> Ahead | None:
        """To be called when the engine has ended, with the time that it took; None where nothing was started."""
        self._engine_ns = engine_ns or self._engine_ns  # a frame that was refused has none
        looking, self._looking = self._looking, None
        return None if looking is None else looking()


def _later(wait_ns: int, job: Callable[[], Ahead]) -> Ahead:
    time.sleep(wait_ns / 1e9)
    return job()
