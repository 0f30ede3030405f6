"""An engine that is being loaded beside the loop."""

import time
from collections.abc import Callable

from onboard.errors import InputError
from onboard.fly.flown import Flown
from onboard.fly.ladder import Step
from onboard.health.beside import Beside

Done = Callable[[Exception | None], None]
Loaded = tuple[Step, Flown]


class Loading:
    """Loads one engine at a time beside the loop."""

    def __init__(self) -> None:
        self._beside: Beside[Loaded] = Beside()
        self._wanted: tuple[Step, Done | None] | None = None
        self._began_s, self._told = 0.0, False

    @property
    def under_way(self) -> bool:
        """Whether something is being loaded, or waits to be put in."""
        return self._wanted is not None

    @property
    def busy(self) -> bool:
        """The same, or whether something that was abandoned may still come."""
        return self._wanted is not None or self._beside.leaves_work

    def begin(self, step: Step, load: Callable[[], Loaded], done: Done | None = None) -> None:
        """Begin.

        Args:
            step: what to load.
            load: does it; gives the step with all that is to be told of it, and what was loaded.
            done: given back by `outcome`.

        Raises:
            InputError: something is being loaded already.
        """
        if self.under_way:
            raise InputError("an engine is being loaded already; ask again in a few seconds")
        self._wanted = step, done
        self._began_s, self._told = time.monotonic(), False
        self._beside.start(load)

    def hangs(self, limit_s: float) -> str | None:
        """A sentence on a load that takes longer than this, once; None: there is none, or it has been told."""
        if self._wanted is None or self._told or time.monotonic() - self._began_s < limit_s:
            return None
        self._told = True
        return f"{self._wanted[0].choice.bundle}: being loaded for {limit_s:g} s"

    def outcome(self) -> tuple[Step, Flown | Exception, Done | None] | None:
        """What came of it, once; None where nothing has ended."""
        found = self._beside.take()
        if found is None:
            return None
        assert self._wanted is not None
        (step, done), self._wanted = self._wanted, None
        return (step, found, done) if isinstance(found, Exception) else (*found, done)

    def abandon(self) -> Done | None:
        """Wait for it no longer; what comes of it all the same is given by `take_abandoned`. Gives who waits."""
        self._beside.abandon()
        wanted, self._wanted = self._wanted, None
        return None if wanted is None else wanted[1]

    def take_abandoned(self) -> list[Flown]:
        """What has come too late, to be closed."""
        return [flown for _, flown in self._beside.take_abandoned()]

    def wait(self, timeout_s: float) -> None:
        """Until it has ended."""
        self._beside.wait(timeout_s)
