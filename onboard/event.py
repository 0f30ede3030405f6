"""What a part of the node has to say beside its results; the loop fetches it when it has time."""

import threading
from collections import Counter, deque
from typing import NamedTuple

LOSSES = frozenset({"output_lost", "telemetry_dropped", "telemetry_failed"})
"""Events of a line or a packet that did not go out. Where such an event's own line or packet is lost, that is counted,
and no further event tells of it: each would cause the next."""


class Event(NamedTuple):
    """A short machine-readable name, and a sentence for a person; and how many of this name it stands for."""

    name: str
    detail: str
    times: int = 1


class Events:
    """A bounded list that any thread may fill and another empties.

    Each name has room of its own, so that a flood of one costs no other its place: a fatal event waits in the same list
    as one that comes with every frame. Names are the code's own, and few, so their number bounds the whole.

    Args:
        most: events of one name that wait. Those beyond are counted, and come out as one with the newest's detail.
    """

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._waiting: deque[Event] = deque()
        self._of_name: Counter[str] = Counter()
        self._beyond: dict[str, Event] = {}
        self._one_at_a_time = threading.Lock()

    def add(self, name: str, detail: str, times: int = 1) -> None:
        with self._one_at_a_time:
            self._of_name[name] += 1
            if self._of_name[name] <= self._most:
                self._waiting.append(Event(name, detail, times))
                return
            before = self._beyond.get(name)
            self._beyond[name] = Event(name, detail, times if before is None else before.times + times)

    def take(self) -> list[Event]:
        """All events since the last call, oldest first; behind them those that stand for several."""
        if not self._of_name:  # as at nearly every turn of the loop
            return []
        with self._one_at_a_time:
            taken = [*self._waiting, *self._beyond.values()]
            for kept in (self._waiting, self._of_name, self._beyond):
                kept.clear()
        return taken
