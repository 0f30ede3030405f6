"""What is tried next where the engine in flight cannot be trusted."""

from typing import NamedTuple

from onboard.fly.flown import Flown, Way
from onboard.health.choice import Choice


class Step(NamedTuple):
    """What to load, and the event and the words that tell of it once it flies."""

    choice: Choice
    way: int
    event: str
    word: str


class Ladder:
    """Goes down from reloads to the bundle's next engine, to the bundle before one on trial, to nothing.

    Args:
        reloads: of one engine, before the next thing is tried.

    Attributes:
        on_trial: whether the bundle has come in flight, and has not answered enough frames yet.
    """

    def __init__(self, reloads: int) -> None:
        self._most, self._used = reloads, 0
        self.on_trial = False

    def healthy(self) -> None:
        """The engine has answered many frames in a row: what was is forgotten."""
        self._used, self.on_trial = 0, False

    def start(self, on_trial: bool) -> None:
        """Another bundle flies."""
        self._used, self.on_trial = 0, on_trial

    def reload(self, flown: Flown) -> Step | None:
        """The same engine from its files, where that may be tried once more."""
        if self._used >= self._most:
            return None
        self._used += 1
        word = f"{flown.name}, reload {self._used} of {self._most}"
        return Step(flown.choice, flown.way, "engine_reloaded", word)

    def next(self, flown: Flown, ways: list[Way], earlier: Choice | None) -> Step | None:
        """The next step; None where nothing is left. Calls end: each step can be taken only so often.

        Args:
            flown: what cannot be trusted.
            ways: its bundle's engines.
            earlier: the bundle that flew before it.
        """
        if (step := self.reload(flown)) is not None:
            return step
        self._used = 0
        if flown.way + 1 < len(ways):
            word = f"{ways[flown.way + 1].name} in place of {flown.name}"
            return Step(flown.choice, flown.way + 1, "engine_handed_over", word)
        if self.on_trial and earlier is not None:
            self.on_trial = False
            return Step(earlier, 0, "bundle_rolled_back", f"{earlier.bundle} in place of {flown.choice.bundle}")
        return None
