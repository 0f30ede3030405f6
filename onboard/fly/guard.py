"""The bundle in flight: what it gives is looked at, an engine that cannot be trusted is replaced, another is put in."""

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from onboard.bundle import Bundle
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.flown import Flown, Ways
from onboard.fly.ladder import Ladder, Step
from onboard.fly.output_sanity import ILL, OutputSanity
from onboard.fly.rules import RuleBook
from onboard.fly.shift import Done, Shift
from onboard.health.choice import Choice, Chosen
from onboard.image import Frame
from onboard.messages import Answer, Status
from onboard.normal_scores import Box, FrameRule
from onboard.window import Window

UNAVAILABLE = "unavailable"
_OF_BUNDLE = ("bundle_changed", "bundle_rolled_back")
_WRONG = "a known answer was wrong"


class Guard:
    """Judges frames, and sees to it that what judges them can be trusted. All of it belongs to the loop's thread.

    Args:
        chosen: the bundle to fly, last, and those before it.
        ways: gives a bundle's engines.
        config: the node's: `invalid` says how much nonsense is borne, `health` what is looked at.
        events: told of everything that is done.

    Attributes:
        flown: the bundle that flies; replaced as a whole between two frames.
        chosen: as given; the last one is what flies.
        follower: called when another engine flies, with whether its bundle is another one too.
        known_answers: how often the engine was asked one, and how often it was wrong.
        invalid: frames so far with an output that makes no sense, or none.

    Raises:
        InputError: the first engine cannot be loaded.
    """

    def __init__(self, chosen: Chosen, ways: Ways, config: NodeConfig, events: Events) -> None:
        self._ways, self._config, self._events = ways, config, events
        self._sanity = OutputSanity(config.invalid, config.output.pose_outputs)
        self._ladder = Ladder(config.invalid.reloads)
        self._shift = Shift(ways, RuleBook(config))
        self._ill = self._healthy = self.invalid = 0
        self._ask_at_s = self._reload_at_s = 0.0
        # Whether the last ill answer had a sound pose, and whether the engine flies for the pose's sake alone.
        self._pose_sound = self._pose_only = False
        self._suspect = False  # whether the engine that flies has given a wrong known answer
        self.follower: Callable[[bool], None] = lambda other_bundle: None
        self.known_answers = {"asked": 0, "wrong": 0}
        self.flown, self.chosen = self._shift.first(chosen, events)
        self._right_s = time.monotonic()
        self._fresh()

    @property
    def bundle(self) -> Bundle:
        return self.flown.bundle

    @property
    def rule(self) -> FrameRule | None:
        """Calls a box debris; None where the bundle has no calibration."""
        return self.flown.rules.frame

    @property
    def state(self) -> str:
        """The engine in use by its name, or `unavailable`."""
        return self.flown.name if self.available else UNAVAILABLE

    @property
    def available(self) -> bool:
        return self.flown.detector is not None

    def __call__(
        self, frame: Frame, box: Box, window: Window | None = None, when_cut: Callable[[], None] | None = None
    ) -> Answer:
        """As `Detector` does; with outputs that are not finite or out of range REJECTED(invalid_output)."""
        if self.flown.detector is None:
            return Answer(Status.SKIPPED, UNAVAILABLE, "no engine can be trusted any more; see the events")
        answer = self._sanity.checked(self.flown.detector(frame, box, window, when_cut))
        self._count(answer)
        return answer

    def change(self, folder: str, engine: str | None = None, done: Done | None = None) -> None:
        """Load another bundle beside the one that flies; `tend` puts it in, or tells why it cannot fly.

        Args:
            folder: the bundle.
            engine: folder of a TensorRT engine that was built from it; None: ONNX Runtime.
            done: called once, by `tend`: with None where the bundle flies now, and else with the error; then the one
                before flies on.

        Raises:
            InputError: something is being loaded already.
        """
        choice = Choice(str(Path(folder).absolute()), None if engine is None else str(Path(engine).absolute()))
        self._shift.begin(Step(choice, 0, "bundle_changed", "as told"), done)

    def roll_back(self, done: Done | None = None) -> None:
        """Fly the bundle again that flew before this one; as `change` does.

        Raises:
            InputError: none did, or something is being loaded already.
        """
        if (earlier := self.chosen.earlier) is None:
            raise InputError(f"{self.bundle.folder}: no bundle flew before it; load one by its folder")
        self._shift.begin(Step(earlier, 0, "bundle_rolled_back", "as told"), done)

    def set_rate(self, rate: float, confidence: float | None) -> FrameRule:
        """Call boxes debris at another false-alarm rate from now on, also with bundles that fly later.

        Raises:
            InputError: the bundle's calibration cannot support it, or there is none; a bundle is being loaded.
        """
        rules = self._shift.rules_at(rate, confidence, self.flown)
        assert rules.frame is not None
        self.flown = replace(self.flown, rules=rules)
        return rules.frame

    def mend(self) -> None:
        """Load an engine anew where too many frames in a row were invalid; to be called when the verdict has gone out.

        Takes as long as loading takes; frames that come meanwhile are the source's to account for.
        """
        if self._ill >= self._config.invalid.in_a_row and not self._pose_only:
            self._mend(f"{self._config.invalid.in_a_row} invalid frames in a row")

    def tend(self) -> None:
        """Put in what has been loaded, or ask a known answer where it is time; to be called between two frames.

        Takes one inference at most, unless an engine that gives wrong answers cannot be replaced but in its place: for
        want of memory or of reloads, or because something else hangs while it is being loaded.
        """
        if (outcome := self._shift.outcome()) is not None:
            self._take(*outcome)
            return
        if (hanging := self._shift.hangs(self._config.watchdog.others_s)) is not None:
            self._events.add("load_hangs", hanging)
            if self._suspect:
                self._mend(_WRONG)
        if self.available:
            self._look_after(time.monotonic())

    def close(self) -> None:
        """Wait for what is being loaded: a process that ends meanwhile may crash."""
        self._shift.close()

    def _look_after(self, now_s: float) -> None:
        health = self._config.health
        if health.reload_s is not None and now_s >= self._reload_at_s and not self._shift.under_way:
            self._reload_at_s = now_s + health.reload_s
            word = f"{self.flown.name}, after {health.reload_s:g} s"
            self._shift.begin(Step(self.flown.choice, self.flown.way, "engine_renewed", word), None)
        elif self._suspect and self._shift.under_way:
            return  # another engine is on its way
        elif health.known_answer_s is not None and now_s >= self._ask_at_s:
            self._ask_at_s = now_s + health.known_answer_s
            self._ask(now_s)

    def _ask(self, now_s: float) -> None:
        assert self.flown.known is not None
        self.known_answers["asked"] += 1
        if (wrong := self.flown.known.ask()) is None:
            self._right_s = now_s
            return
        self.known_answers["wrong"] += 1
        self._suspect = True
        since = f"do not rely on verdicts of the {now_s - self._right_s:.1f} s since the last right one"
        self._events.add("known_answer_wrong", f"{self.flown.name}: {wrong}; {since}")
        if self._shift.under_way and not self._shift.hung:
            return  # what is being loaded takes its place; where it does not, this one is asked again then
        step = None if self._shift.hung else self._ladder.reload(self.flown)
        if step is None:
            self._mend(_WRONG)
        else:
            self._shift.begin(step._replace(word=f"{step.word}: {_WRONG}"), None)

    def _take(self, step: Step, found: Flown | Exception, done: Done | None) -> None:
        of_bundle = step.event in _OF_BUNDLE
        if isinstance(found, Exception):
            self._events.add("bundle_refused" if of_bundle else "reload_failed", f"{step.word}: {found}")
            if self._suspect and step.event == "engine_reloaded":
                self._mend(_WRONG)
        elif of_bundle:
            forward = step.event == "bundle_changed"
            if forward:
                self.chosen = self.chosen.flying(found.choice)
            elif self.chosen.earlier == step.choice:  # or else it was rolled back meanwhile, by the ladder
                self.chosen = self.chosen.without_last()
            self._ladder.start(on_trial=forward)
            self._put(found, step)
        elif self.available and self.flown.like(found):
            self._put(replace(found, rules=self.flown.rules), step)
        else:  # what it was to replace has been given up meanwhile
            self._shift.retire([found], self._events)
        if done is not None:
            done(found if isinstance(found, Exception) else None)

    def _put(self, found: Flown, step: Step) -> None:
        """Fly this from the next frame on."""
        gone, self.flown = [self.flown], found
        self._shift.retire(gone, self._events)
        self._fresh()
        gc.collect()
        gc.freeze()
        self._events.add(step.event, f"{step.word}; bundle {found.bundle.sha256}")
        self.follower(step.event in _OF_BUNDLE)

    def _fresh(self) -> None:
        """An engine that was just put in has no past, and is asked a known answer at once."""
        self._ill = self._healthy = 0
        self._suspect = self._pose_only = False
        self._ask_at_s = time.monotonic()
        self._reload_at_s = self._ask_at_s + (self._config.health.reload_s or 0.0)
        if self.flown.known is not None and not self.flown.known.repeatable:
            varies = "does not give the same bits twice; only its logit is compared, by its tolerance"
            self._events.add("known_answers_vary", f"{self.flown.name} {varies}")

    def _mend(self, why: str) -> None:
        """Go down the ladder to an engine that can be loaded in this one's place; first dropped, then loaded."""
        suspect, self._suspect = self._suspect, False
        while step := self._ladder.next(self.flown, self._ways(self.flown.choice), self.chosen.earlier):
            if step.event == "bundle_rolled_back":
                self.chosen = self.chosen.without_last()
            name = self._ways(step.choice)[step.way].name
            # Dropped first, for a GPU may not hold two.
            self.flown = replace(self.flown.emptied(self._events), choice=step.choice, way=step.way, name=name)
            try:
                found, note = self._shift.load_at_some_rate(step)
            except Exception as error:  # InputError, and whatever the libraries raise on a sick GPU
                self._events.add("reload_failed", f"{name}, {step.word}: {error}")
                continue
            self._put(found, step._replace(word=f"{step.word}: {why}{note}"))
            return
        if self.available and self._pose_sound and not suspect:
            self._pose_only = True
            self._events.add("debris_given_up", f"{self.flown.name}: {why}; its poses are sound and go on")
            return
        self.flown = self.flown.emptied(self._events)
        self._ill = 0
        self._events.add(
            UNAVAILABLE, "no engine is left: every frame is SKIPPED(unavailable) until a load by command, or a restart"
        )

    def _count(self, answer: Answer) -> None:
        if answer.reason in ILL:
            self.invalid += 1
            self._ill, self._healthy = self._ill + 1, 0
            self._pose_sound = self._sanity.pose_is_sound(answer)
        elif answer.status is Status.ANSWERED:
            self._ill, self._healthy = 0, self._healthy + 1
            if self._healthy >= self._config.invalid.healthy_frames:
                self._ladder.healthy()
                self._pose_only = False
