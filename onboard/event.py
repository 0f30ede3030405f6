"""What a part of the node has to say beside its results; the loop fetches it when it has time."""

from collections import deque
from typing import NamedTuple


class Event(NamedTuple):
    """A short machine-readable name, and a sentence for a person."""

    name: str
    detail: str


class Events:
    """A bounded list that one thread fills and another empties; the oldest go first where nobody empties it."""

    def __init__(self, most: int = 256) -> None:
        self._waiting: deque[Event] = deque(maxlen=most)

    def add(self, name: str, detail: str) -> None:
        self._waiting.append(Event(name, detail))

    def take(self) -> list[Event]:
        """All events since the last call, oldest first."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken
