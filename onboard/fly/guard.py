"""Judges frames by the bundle in flight; what that is may change between two frames."""

import time
from collections.abc import Callable
from dataclasses import replace

from onboard.bundle import Bundle
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.asking import Asking, in_words
from onboard.fly.config import NodeConfig
from onboard.fly.flown import Flown, Ways
from onboard.fly.ladder import Ladder, Step
from onboard.fly.loading import Done
from onboard.fly.rules import RuleBook
from onboard.fly.seat import OF_BUNDLE, Seat
from onboard.fly.shift import Shift
from onboard.fly.told import Told
from onboard.fly.trust import RELOADING, UNAVAILABLE, Trust
from onboard.health.choice import Chosen
from onboard.image import Frame
from onboard.messages import Answer
from onboard.normal_scores import Box, FrameRule
from onboard.window import Window


class Guard:
    """Judges frames, and sees to it that what judges them can be trusted. All of it belongs to the loop's thread, which
    never waits for an engine to be loaded.

    Args:
        chosen: the bundle to fly, last, and those before it.
        ways: gives a bundle's engines.
        config: the node's: `invalid` says how much nonsense is borne, `health` what is looked at.
        events: told of everything that is done.

    Attributes:
        told: takes commands.

    Raises:
        InputError: the first engine cannot be loaded.
    """

    def __init__(self, chosen: Chosen, ways: Ways, config: NodeConfig, events: Events) -> None:
        self._health, self._load_s, self._events = config.health, config.watchdog.others_s, events
        self._shift = Shift(ways, RuleBook(config), events)
        self._seat = Seat(chosen, self._shift, events)
        self._ladder = Ladder(ways, config.invalid.reloads, self._prove)
        self._ladder.start(self.chosen.on_trial)  # a trial outlives the process
        self._trust = Trust(self._seat, self._ladder, self._shift, config, events)
        self._asking = Asking(config.health.known_answer_s, events)
        self.told = Told(self._seat, self._shift)
        self._reload_at_s = 0.0
        self._fresh()

    @property
    def flown(self) -> Flown:
        """What flies."""
        return self._seat.flown

    @property
    def chosen(self) -> Chosen:
        """The bundle that flies, last, and those before it."""
        return self._seat.chosen

    @property
    def bundle(self) -> Bundle:
        return self.flown.bundle

    @property
    def rule(self) -> FrameRule | None:
        """Calls a box debris; None where the bundle has no calibration."""
        return self.flown.rules.frame

    @property
    def state(self) -> str:
        """The engine in use by its name, `reloading` while none is because one is being loaded, or `unavailable`."""
        if self.available:
            return self.flown.name
        return RELOADING if self.mending else UNAVAILABLE

    @property
    def available(self) -> bool:
        return self._seat.taken

    @property
    def mending(self) -> bool:
        """Whether another engine is being loaded because this one cannot be trusted."""
        return self._trust.mending

    @property
    def known_answers(self) -> dict[str, int]:
        """How often an engine was `asked` one, and how often it was `wrong`."""
        return self._asking.counts

    @property
    def invalid(self) -> int:
        """Frames so far with an output that makes no sense, or none."""
        return self._trust.sanity.invalid

    def follow(self, follower: Callable[[bool], None]) -> None:
        """Call this whenever another engine flies, with whether its bundle is another one too."""
        self._seat.follower = follower

    def __call__(
        self, frame: Frame, box: Box, window: Window | None = None, when_cut: Callable[[], None] | None = None
    ) -> Answer:
        """As `Detector` does; what of it may go out, see `Trust`."""
        detector = self._seat.flown.detector
        return self._trust.blind() if detector is None else self._trust.judged(detector(frame, box, window, when_cut))

    def blind(self) -> Answer | None:
        """The answer to every frame while there is no engine that may be asked; None: there is."""
        return None if self._seat.taken else self._trust.blind()

    def mend(self) -> None:
        """Begin to replace an engine that gave too much nonsense; to be called when a verdict has gone out."""
        self._trust.mend()

    def tend(self) -> None:
        """Put in what has been loaded, or ask a known answer where it is time; to be called between two frames.

        Takes one inference at most.
        """
        if self._shift.busy and self._put_in():
            return
        if not self.mending:
            self._trust.try_again()
        if self.available and not self.mending:
            self._look_after(time.monotonic())

    def self_test(self) -> int:
        """Ask all known answers now; gives how many. A wrong one has the consequences that it has by the clock.

        Raises:
            InputError: one is wrong; no engine is there to be asked, or it is being replaced.
        """
        if self.mending:
            raise InputError("the engine cannot be trusted, another one is being loaded; ask again in a few seconds")
        if not self.available:
            raise InputError("no engine can be trusted any more; see the events, put bundle and engine back, load them")
        if wrong := self._asking.all(self.flown):
            self._trust.distrust(wrong)
            raise InputError(f"{in_words(wrong)}. Do not rely on its verdicts until the events say engine_reloaded")
        return len(self.bundle.manifest.known_answers)

    def close(self) -> None:
        """Wait for what is being loaded: a process that ends meanwhile may crash."""
        self._shift.close()

    def _put_in(self) -> bool:
        """Put in what has been loaded; whether anything had."""
        self._shift.retire_late_ones()
        if (hanging := self._shift.asked.hangs(self._load_s)) is not None:
            self._give_up_asked(hanging)
        if (asked := self._shift.asked.outcome()) is not None:
            self._take(*asked)
        elif self.mending and (loaded := self._trust.go_on()) is not None:
            step, found = loaded
            self._put(found, step)
        else:
            return False
        return True

    def _look_after(self, now_s: float) -> None:
        reload_s = self._health.reload_s
        if reload_s is not None and now_s >= self._reload_at_s and not self._shift.busy:
            self._reload_at_s = now_s + reload_s
            word = f"{self.flown.name}, after {reload_s:g} s"
            self._shift.ask(Step(self.flown.choice, self.flown.way, "engine_renewed", word))
        elif wrong := self._asking.when_due(self.flown, now_s):
            self._trust.distrust(wrong)

    def _give_up_asked(self, hanging: str) -> None:
        """What flies flies on, and something else may be asked for; the load is closed when it ends."""
        self._events.add("load_hangs", f"{hanging}; it is given up")
        if (done := self._shift.asked.abandon()) is not None:
            done(InputError(f"{hanging}; it is given up: look at the storage where it lies, and ask again"))

    def _take(self, step: Step, found: Flown | Exception, done: Done | None) -> None:
        """Put in what was asked for, or say why not."""
        of_bundle = step.event in OF_BUNDLE
        if isinstance(found, Exception):
            self._events.add("bundle_refused" if of_bundle else "reload_failed", f"{step.word}: {found}")
        elif of_bundle:
            self._put(found, step)
        elif (self.available or self.mending) and self.flown.like(found):
            self._put(replace(found, rules=self.flown.rules), step)
        else:  # what it was to replace has been given up meanwhile
            self._shift.retire([found])
        if done is not None:
            done(found if isinstance(found, Exception) else None)

    def _put(self, found: Flown, step: Step) -> None:
        self._seat.put(found, step)
        if step.event in OF_BUNDLE:
            self._ladder.start(self.chosen.on_trial)
        self._fresh()

    def _prove(self) -> None:
        self._seat.chosen = self.chosen.proved()

    def _fresh(self) -> None:
        self._trust.start_over()
        self._asking.start_over(self.flown)
        self._reload_at_s = time.monotonic() + (self._health.reload_s or 0.0)
