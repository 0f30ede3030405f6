"""The place of what flies: one bundle in one engine, put in and taken out as a whole between two frames."""

import gc
from collections.abc import Callable

from onboard.event import Events
from onboard.fly.flown import Flown
from onboard.fly.ladder import Step
from onboard.fly.shift import Shift
from onboard.health.choice import Chosen

OF_BUNDLE = ("bundle_changed", "bundle_rolled_back")
"""Events of a bundle that takes another one's place."""


class Seat:
    """What flies, and what flew before it. For the loop's thread.

    Args:
        chosen: the bundle to fly, last, and those before it.
        shift: loads the first one, and closes what leaves.
        events: told of all that is put in.

    Attributes:
        flown: what flies.
        chosen: as given; the last one is what flies.
        follower: called when another engine flies, with whether its bundle is another one too.

    Raises:
        InputError: the first one cannot be loaded.
    """

    def __init__(self, chosen: Chosen, shift: Shift, events: Events) -> None:
        self._shift, self._events = shift, events
        self.follower: Callable[[bool], None] = lambda other_bundle: None
        self.flown, self.chosen = shift.first(chosen)

    @property
    def taken(self) -> bool:
        """Whether an engine is in it."""
        return self.flown.detector is not None

    def put(self, found: Flown, step: Step) -> None:
        """Fly this from the next frame on."""
        other = step.event in OF_BUNDLE or found.choice != self.flown.choice
        if step.event == "bundle_changed":
            self.chosen = self.chosen.flying(found.choice)
        elif other and step.choice == self.chosen.earlier:  # or else it has been rolled back meanwhile
            self.chosen = self.chosen.without_last()
        self.clear()
        self.flown = found
        gc.collect()
        gc.freeze()
        self._events.add(step.event, f"{step.word}; bundle {found.bundle.sha256}")
        self.follower(other)

    def take_out(self) -> list[Flown]:
        """Leave the seat without an engine; gives what was in it, with the last reference to the engine."""
        gone, self.flown = [self.flown], self.flown.without_engine()
        return gone

    def clear(self) -> None:
        """Close the engine beside the loop."""
        if self.taken:
            self._shift.retire(self.take_out())
