"""Loading what shall fly next beside what flies."""

import time
from collections.abc import Callable

from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.flown import Flown, Ways
from onboard.fly.ladder import Step
from onboard.fly.rules import RuleBook, Rules
from onboard.health.beside import Beside
from onboard.health.choice import Chosen
from onboard.normal_scores import FrameRule

Done = Callable[[Exception | None], None]
_CLOSE_S = 8.0  # with all other waits at the end less than the unit's TimeoutStopSec


class Shift:
    """Loads bundles and their engines: one at a time beside the loop, or in the loop's own time.

    Args:
        ways: gives a bundle's engines.
        book: makes its rules.
    """

    def __init__(self, ways: Ways, book: RuleBook) -> None:
        self._ways, self._book = ways, book
        self._beside: Beside[Flown] = Beside()
        self._retiring: Beside[None] = Beside()
        self._wanted: tuple[Step, Done | None] | None = None
        self._began_s, self._told = 0.0, False

    @property
    def under_way(self) -> bool:
        """Whether something is being loaded, or waits to be put in."""
        return self._beside.busy

    def begin(self, step: Step, done: Done | None) -> None:
        """Load beside the loop.

        Raises:
            InputError: something is being loaded already.
        """
        self._refuse_under_way()
        self._wanted = step, done
        self._began_s, self._told = time.monotonic(), False
        self._beside.start(lambda: self.load(step))

    @property
    def hung(self) -> bool:
        """Whether `hangs` has told of what is being loaded."""
        return self.under_way and self._told

    def hangs(self, limit_s: float) -> str | None:
        """A sentence on a load that takes longer than this, once; None: there is none, or it has been told."""
        if self._wanted is None or self._told or time.monotonic() - self._began_s < limit_s:
            return None
        self._told = True
        step, _ = self._wanted
        return f"{step.choice.bundle}: being loaded for {limit_s:g} s, and nothing else can be loaded meanwhile"

    def outcome(self) -> tuple[Step, Flown | Exception, Done | None] | None:
        """What came of it, once; None where nothing has ended."""
        found = self._beside.take()
        if found is None:
            return None
        assert self._wanted is not None
        (step, done), self._wanted = self._wanted, None
        return step, found, done

    def load(self, step: Step) -> Flown:
        """Load and test what a step says; raises InputError, and whatever the libraries raise on a sick GPU."""
        return Flown.load(step.choice, self._ways(step.choice)[step.way], step.way, self._book)

    def load_at_some_rate(self, step: Step) -> tuple[Flown, str]:
        """As `load`; a bundle whose calibration cannot support the rate that was told flies at the configured one, and
        the words to be added to its event say so."""
        try:
            return self.load(step), ""
        except InputError:
            if not self._book.told:
                raise
        flown = Flown.load(step.choice, self._ways(step.choice)[step.way], step.way, self._book.as_configured())
        self._book = self._book.as_configured()
        return flown, "; at the configured false-alarm rate, for it cannot support the one that was told"

    def first(self, chosen: Chosen, events: Events) -> tuple[Flown, Chosen]:
        """The last bundle that was chosen and can be loaded, and what is chosen then.

        Raises:
            InputError: not even the first of them can.
            Exception: the same, raised by a library.
        """
        while True:  # ends: few are remembered
            choice = chosen.choices[-1]
            try:
                found = self.load(Step(choice, 0, "started", ""))
                return found, chosen.without_last(found.choice)
            except Exception as error:  # InputError, and whatever the libraries raise on a sick GPU
                if chosen.earlier is None:
                    raise
                events.add("bundle_rolled_back", f"{choice.bundle}, which was chosen before the restart: {error}")
                chosen = chosen.without_last()

    def rules_at(self, rate: float, confidence: float | None, flown: Flown) -> Rules:
        """The rules of what flies at another rate, which later bundles fly at as well; the frame rule is not None.

        Raises:
            InputError: as `FrameRule.at`; there is no calibration; something is being loaded, at the rate before.
        """
        self._refuse_under_way()
        rule = FrameRule.at(flown.bundle, rate, confidence)
        if rule is None:
            raise InputError(f"{flown.bundle.folder}: has no calibration; 'python -m calibration threshold' makes one")
        self._book.rate, self._book.confidence = rate, confidence
        return flown.rules._replace(frame=rule)

    def retire(self, gone: list[Flown], events: Events) -> None:
        """Close an engine and give its memory back beside the loop: that takes milliseconds.

        Args:
            gone: the last reference to it is the one in this list, which is emptied.
            events: told of errors.
        """
        self._retiring.wait(_CLOSE_S)
        self._retiring.take()
        self._retiring.start(lambda: _retired(gone, events))

    def close(self) -> None:
        """Wait for what is being loaded or closed, for some seconds."""
        self._beside.wait(_CLOSE_S)
        self._retiring.wait(_CLOSE_S)

    def _refuse_under_way(self) -> None:
        if self.under_way:
            raise InputError("an engine is being loaded already; ask again in a few seconds")


def _retired(gone: list[Flown], events: Events) -> None:
    gone.pop().emptied(events)
