"""Another engine in the place of one that cannot be trusted, loaded beside the loop, one attempt after another."""

from onboard.errors import GpuRefusalError
from onboard.event import Events
from onboard.fly.ladder import Ladder, Step
from onboard.fly.loading import Loaded
from onboard.fly.seat import Seat
from onboard.fly.shift import Shift


class Mending:
    """Goes down the ladder until something has been loaded, or nothing is left to try.

    Args:
        seat: of the engine that cannot be trusted.
        ladder: says what is tried next.
        shift: loads it.
        limit_s: a load that takes longer is given up.
        events: told of each attempt that failed.

    Attributes:
        why: as `begin` was told.
        failed: whether an attempt has; until it begins anew.
        exhausted: whether nothing was left to try; until it begins anew.
    """

    def __init__(self, seat: Seat, ladder: Ladder, shift: Shift, limit_s: float, events: Events) -> None:
        self._seat, self._ladder, self._shift, self._limit_s, self._events = seat, ladder, shift, limit_s, events
        self._loading = shift.mending
        self._step: Step | None = None
        self.why = ""
        self.failed = self.exhausted = False

    @property
    def under_way(self) -> bool:
        """Whether something is being loaded, or waits to be put in."""
        return self._loading.under_way

    @property
    def leaves_work(self) -> bool:
        """Whether a load that was given up has not ended yet."""
        return self._loading.busy and not self._loading.under_way

    def begin(self, why: str, keep: bool) -> None:
        """Begin.

        Args:
            why: said of what will fly instead.
            keep: whether the engine stays in its seat until the other one is there, or is closed first.
        """
        self.why, self._step = why, None
        self.failed = self.exhausted = False
        self._next(keep)

    def take(self, keep: bool) -> Loaded | None:
        """What has been loaded, once. Where an attempt has failed, begins the next one.

        Args:
            keep: as above, of the next attempt.
        """
        if (hanging := self._loading.hangs(self._limit_s)) is not None:
            self._events.add("load_hangs", f"{hanging}; it is given up")
            self._loading.abandon()
            self._next(keep)
        if (outcome := self._loading.outcome()) is None:
            return None
        step, found, _ = outcome
        if not isinstance(found, Exception):
            if step.configured_rate:
                self._shift.forget_rate()
            return step._replace(word=f"{step.word}: {self.why}"), found
        self._events.add("reload_failed", f"{step.word}: {found}")
        if isinstance(found, GpuRefusalError) and self._seat.taken:
            self._load(step, keep=False)  # once more: a GPU may not hold two
        else:
            self._next(keep)
        return None

    def abandon(self) -> None:
        """Another engine flies already."""
        self._loading.abandon()

    def _next(self, keep: bool) -> None:
        self.failed = self._step is not None
        last = self._seat.flown if self._step is None else self._step
        step = self._ladder.next(last.choice, last.way, self._seat.chosen.earlier)
        self.exhausted = step is None
        if step is not None:
            self._load(step, keep)

    def _load(self, step: Step, keep: bool) -> None:
        self._step = step
        self._shift.mend(step, [] if keep else self._seat.take_out())
