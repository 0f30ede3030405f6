"""Pings: each part of the node is asked again and again, and has to answer in its own time."""

import time

from onboard.watchdog.config import WatchdogConfig


class Part:
    """One part of the node, which answers from its own thread.

    Args:
        name: for people.
        limit_s: how long an answer may take.
    """

    def __init__(self, name: str, limit_s: float) -> None:
        self.name, self.limit_s = name, limit_s
        self._asked_s, self._answered = time.monotonic(), True

    def answer(self) -> None:
        """To be called at each round of the part's own work; costs next to nothing."""
        self._answered = True

    def ask(self) -> float:
        """Ask again where there was an answer; gives the seconds that an answer has been waited for."""
        now_s = time.monotonic()
        if self._answered:
            self._asked_s, self._answered = now_s, False
        return now_s - self._asked_s


class Pings:
    """All parts that have to answer.

    Args:
        config: their limits.
    """

    def __init__(self, config: WatchdogConfig) -> None:
        self._config = config
        self._parts: tuple[Part, ...] = ()

    def add(self, name: str) -> Part:
        """A new part, which has to answer from now on."""
        part = Part(name, self._config.limit_s(name))
        self._parts = (*self._parts, part)
        return part

    def remove(self, part: Part) -> None:
        """A part that ends as it should needs to answer no more."""
        self._parts = tuple(each for each in self._parts if each is not part)

    def late(self) -> dict[str, float]:
        """Ask all; gives those that are late, and the seconds that each has been waited for."""
        waited = [(part, part.ask()) for part in self._parts]
        return {part.name: seconds for part, seconds in waited if seconds > part.limit_s}
