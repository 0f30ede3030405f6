"""Known answers, asked of the engine in flight by the clock or by command."""

import time

from onboard.event import Events
from onboard.fly.flown import Flown
from onboard.health.known import Wrong

_STOOD_STILL_S, _AFTER_S = 0.5, 0.1


class Asking:
    """Asks known answers, and tells of wrong ones.

    Args:
        period_s: from one to the next; None: only by command.
        events: told `known_answer_wrong` and `known_answers_vary`.

    Attributes:
        counts: how often any engine was asked, and how often it was wrong.
    """

    def __init__(self, period_s: float | None, events: Events) -> None:
        self._period_s, self._events = period_s, events
        self._right_s, self._due_s = time.monotonic(), 0.0
        self._put_off = False
        self._told: set[bool] = set()  # of this engine: True, that its logit alone was wrong; False, that more was
        self.counts = {"asked": 0, "wrong": 0}

    def start_over(self, flown: Flown) -> None:
        """Another engine flies; it is asked at once."""
        self._due_s, self._put_off, self._told = time.monotonic(), False, set()
        if flown.known is not None and not flown.known.repeatable:
            varies = "does not give the same bits twice; its logit alone says whether it is wrong, by its tolerance"
            self._events.add("known_answers_vary", f"{flown.name} {varies}")

    def when_due(self, flown: Flown, now_s: float) -> list[Wrong]:
        """Ask one known answer if it is time, one inference; gives what is wrong.

        Where the process has stood still meanwhile, the frame that has waited goes first.
        """
        if self._period_s is None or now_s < self._due_s:
            return []
        self._put_off = not self._put_off and now_s - self._due_s > _STOOD_STILL_S
        self._due_s = now_s + (_AFTER_S if self._put_off else self._period_s)
        if self._put_off:
            return []
        return self._ask(flown, 1, now_s)

    def all(self, flown: Flown) -> list[Wrong]:
        """Ask all of them now; gives what is wrong."""
        return self._ask(flown, len(flown.bundle.manifest.known_answers), time.monotonic())

    def _ask(self, flown: Flown, count: int, now_s: float) -> list[Wrong]:
        assert flown.known is not None
        wrong = [each for each in (flown.known.ask() for _ in range(count)) if each is not None]
        self.counts["asked"] += count
        self.counts["wrong"] += len(wrong)
        if kinds := {each.logit_alone for each in wrong}:
            self._tell(flown, wrong, kinds, now_s)
        else:
            self._right_s = now_s
        return wrong

    def _tell(self, flown: Flown, wrong: list[Wrong], kinds: set[bool], now_s: float) -> None:
        """Once of each engine, and once more where its logit alone was wrong before: one that flies on for its poses
        stays wrong for as long, and each further answer is counted."""
        if False in self._told or kinds <= self._told:
            return
        self._told |= kinds
        since = f"do not rely on verdicts of the {now_s - self._right_s:.1f} s since the last right one"
        self._events.add("known_answer_wrong", f"{flown.name}: {in_words(wrong)}; {since}")


def in_words(wrong: list[Wrong]) -> str:
    """What is wrong, as a sentence."""
    return "; ".join(each.said for each in wrong)
