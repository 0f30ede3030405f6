"""Loading what shall fly next beside what flies, and closing what has flown."""

import time

from onboard.errors import InputError, RateError
from onboard.event import Events
from onboard.fly.flown import Flown, Ways
from onboard.fly.ladder import Step
from onboard.fly.loading import Done, Loaded, Loading
from onboard.fly.rules import RuleBook, Rules
from onboard.health.beside import Beside
from onboard.health.choice import Chosen
from onboard.normal_scores import FrameRule

_CLOSE_S = 8.0  # all waits at the end, on one hung disk: 32 s; the unit's TimeoutStopSec has to be longer


class Shift:
    """Loads bundles and their engines.

    Args:
        ways: gives a bundle's engines.
        book: makes its rules.
        events: told of errors when something is closed.

    Attributes:
        asked: what is loaded by command, or because its time has come.
        mending: what is loaded in the place of an engine that cannot be trusted; it waits for nothing that was asked.
    """

    def __init__(self, ways: Ways, book: RuleBook, events: Events) -> None:
        self._ways, self._book, self._events = ways, book, events
        self.asked, self.mending = Loading(), Loading()
        self._retiring: Beside[None] = Beside()

    @property
    def under_way(self) -> bool:
        """Whether anything is being loaded, or waits to be put in."""
        return self.asked.under_way or self.mending.under_way

    @property
    def busy(self) -> bool:
        """The same, or whether something that was abandoned may still come."""
        return self.asked.busy or self.mending.busy

    def ask(self, step: Step, done: Done | None = None) -> None:
        """Load beside the loop.

        Raises:
            InputError: something that was asked is being loaded already.
        """
        self.asked.begin(step, lambda: (step, self._load(step)), done)

    def mend(self, step: Step, gone: list[Flown]) -> None:
        """Load in the place of another engine.

        Args:
            step: what to load. A bundle whose calibration cannot support the rate that was told flies at the configured
                one, and says so.
            gone: what is closed first, for a GPU may not hold two: the last reference to it is the one in this list.
        """

        def load() -> Loaded:
            _close(gone, self._events)
            return self._load_at_some_rate(step)

        self.mending.begin(step, load)

    def first(self, chosen: Chosen) -> tuple[Flown, Chosen]:
        """The last bundle that was chosen and can be loaded, and what is chosen then; loaded here and now.

        Raises:
            InputError: not even the first of them can.
            Exception: the same, raised by a library.
        """
        while True:  # ends: few are remembered
            choice = chosen.choices[-1]
            try:
                found = self._load(Step(choice, 0, "started", ""))
                return found, chosen.with_last(found.choice)
            except Exception as error:  # InputError, and whatever the libraries raise on a sick GPU
                if chosen.earlier is None:
                    raise
                self._events.add("bundle_rolled_back", f"{choice.bundle}, which was chosen before the restart: {error}")
                chosen = chosen.without_last()

    def rules_at(self, rate: float, confidence: float | None, flown: Flown) -> Rules:
        """The rules of what flies at another rate, which later bundles fly at as well; the frame rule is not None.

        Raises:
            InputError: as `FrameRule.at`; there is no calibration; something is being loaded, at the rate before.
        """
        if self.under_way:
            raise InputError("an engine is being loaded already; ask again in a few seconds")
        rule = FrameRule.at(flown.bundle, rate, confidence)
        if rule is None:
            raise InputError(f"{flown.bundle.folder}: has no calibration; 'python -m calibration threshold' makes one")
        self._book.rate, self._book.confidence = rate, confidence
        return flown.rules._replace(frame=rule)

    def forget_rate(self) -> None:
        """Later bundles fly at the configured rate again."""
        self._book = self._book.as_configured()

    def retire(self, gone: list[Flown]) -> None:
        """Close engines and give their memory back beside the loop: that takes milliseconds.

        Args:
            gone: the last references to them are those in this list, which is emptied.
        """
        self._retiring.abandon()  # the one before may hang
        self._retiring.take_abandoned()
        self._retiring.start(lambda: _close(gone, self._events))

    def retire_late_ones(self) -> None:
        """The same of what has come of loads that were abandoned."""
        if late := [*self.asked.take_abandoned(), *self.mending.take_abandoned()]:
            self.retire(late)

    def close(self) -> None:
        """Wait for what is being loaded or closed, for some seconds."""
        end_s = time.monotonic() + _CLOSE_S
        for each in (self.asked, self.mending, self._retiring):
            each.wait(max(0.0, end_s - time.monotonic()))

    def _load(self, step: Step) -> Flown:
        """Load and test what a step says; raises InputError, and whatever the libraries raise on a sick GPU."""
        return Flown.load(step.choice, self._ways(step.choice)[step.way], step.way, self._book)

    def _load_at_some_rate(self, step: Step) -> Loaded:
        try:
            return step, self._load(step)
        except RateError:
            if not self._book.told:
                raise
        flown = Flown.load(step.choice, self._ways(step.choice)[step.way], step.way, self._book.as_configured())
        said = f"{step.word}; at the configured false-alarm rate, for it cannot support the one that was told"
        return step._replace(word=said, configured_rate=True), flown


def _close(gone: list[Flown], events: Events) -> None:
    while gone:
        gone.pop().close(events)
