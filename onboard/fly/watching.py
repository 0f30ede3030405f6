"""What the loop asks of the machine: its turn before others, and someone who sees when a part hangs."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from onboard.event import Event
from onboard.fly.ahead import AHEAD
from onboard.fly.loop import Parts
from onboard.fly.realtime import ask_for
from onboard.sources.checking import CHECKER
from onboard.watchdog import Systemd, Watchdog


def set_realtime(parts: Parts) -> None:
    """Put the thread that calls this, and those that it waits for at each frame, before others as configured."""
    names = (AHEAD, CHECKER)
    helpers = [each.native_id for each in threading.enumerate() if each.name in names and each.native_id]
    ask_for(parts.config.realtime, parts.events, helpers)


@contextmanager
def watched(parts: Parts) -> Iterator[Callable[[], None]]:
    """Watch over all parts while the block runs; gives what the loop calls to say that it is alive.

    Raises:
        InputError: what the environment says of systemd's socket makes no sense.
    """
    loop = parts.pings.add("loop")

    def say(event: Event, late: Collection[str]) -> None:
        if loop.name in late:  # it will not fetch the event
            parts.log.write([event])
        else:
            parts.events.add(*event)

    with Watchdog(parts.pings, Systemd.from_environment(), parts.config.watchdog, say):
        yield loop.answer
