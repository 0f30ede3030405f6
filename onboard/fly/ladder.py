"""What is tried next where the engine in flight cannot be trusted."""

from collections.abc import Callable
from typing import NamedTuple

from onboard.fly.flown import Way, Ways
from onboard.health.choice import Choice


class Step(NamedTuple):
    """What to load, and the event and the words that tell of it once it flies.

    Attributes:
        configured_rate: whether it could be loaded only at the configured false-alarm rate, in place of the one told.
    """

    choice: Choice
    way: int
    event: str
    word: str
    configured_rate: bool = False


class Ladder:
    """Goes down from reloads to the bundle's next engine, to the bundle before one on trial, to nothing.

    Args:
        ways: gives a bundle's engines.
        reloads: of one engine, before the next thing is tried.
        proven: called when a bundle on trial has answered enough frames.

    Attributes:
        on_trial: whether the bundle has come in flight, and has not answered enough frames yet.
    """

    def __init__(self, ways: Ways, reloads: int, proven: Callable[[], None]) -> None:
        self._ways, self._most, self._used, self._proven = ways, reloads, 0, proven
        self.on_trial = False

    def healthy(self) -> None:
        """The engine has answered many frames in a row: what was is forgotten."""
        if self.on_trial:
            self._proven()
        self._used, self.on_trial = 0, False

    def start(self, on_trial: bool) -> None:
        """Another bundle flies."""
        self._used, self.on_trial = 0, on_trial

    def name(self, choice: Choice, way: int) -> str:
        """What events call an engine."""
        return self._way(choice, way).name

    def next(self, choice: Choice, way: int, earlier: Choice | None) -> Step | None:
        """The next step; None where nothing is left. Calls end: each step can be taken only so often.

        Args:
            choice: the bundle that cannot be trusted, or could not be loaded.
            way: which of its engines, from 0.
            earlier: the bundle that flew before the one that flies.
        """
        name = self.name(choice, way)
        if self._used < self._most:
            self._used += 1
            return Step(choice, way, "engine_reloaded", f"{name}, reload {self._used} of {self._most}")
        self._used = 0
        if way + 1 < len(self._ways(choice)):
            return Step(choice, way + 1, "engine_handed_over", f"{self.name(choice, way + 1)} in place of {name}")
        if self.on_trial and earlier is not None:
            self.on_trial = False
            return Step(earlier, 0, "bundle_rolled_back", f"{earlier.bundle} in place of {choice.bundle}")
        return None

    def _way(self, choice: Choice, way: int) -> Way:
        return self._ways(choice)[way]
