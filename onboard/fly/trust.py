"""Whether the engine in flight can be trusted, and what it may be asked for where it cannot."""

import time

from msgspec import structs

from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.ladder import Ladder
from onboard.fly.loading import Loaded
from onboard.fly.mending import Mending
from onboard.fly.output_sanity import INVALID, OutputSanity, without_verdict
from onboard.fly.seat import Seat
from onboard.fly.shift import Shift
from onboard.health.known import Wrong
from onboard.messages import Answer, Status

UNAVAILABLE, RELOADING = "unavailable", "reloading"
_REPLACED = "the engine cannot be trusted, and another one is being loaded; see the events"
_NONE_LEFT = "no engine can be trusted any more; see the events"
_HEAD_WRONG = "a known answer of the debris head is wrong, and no other engine could be loaded; see the events"


class Trust:
    """Looks at what an engine gives; after too much nonsense, or a wrong known answer, another one is loaded.

    Args:
        seat: of the engine.
        ladder: says what is tried in its place.
        shift: loads that.
        config: the node's: `invalid` says how much nonsense is borne.
        events: told of everything that is done.

    Attributes:
        sanity: of its outputs.
    """

    def __init__(self, seat: Seat, ladder: Ladder, shift: Shift, config: NodeConfig, events: Events) -> None:
        self._seat, self._ladder, self._config, self._events = seat, ladder, config, events
        self._mending = Mending(seat, ladder, shift, config.watchdog.others_s, events)
        self.sanity = OutputSanity(config.invalid, config.output.pose_outputs)
        self._suspect = False  # whether it has given a wrong known answer
        self._head_wrong = False  # whether one was wrong in its logit alone, and poses go out
        self._pose_only = False  # whether it flies for its poses' sake alone
        self._given_up, self._again_s = False, 0.0  # whether nothing could be loaded, and when that is tried again

    @property
    def mending(self) -> bool:
        """Whether another engine is being loaded in its place."""
        return self._mending.under_way

    def start_over(self) -> None:
        """Another engine was put in, which has no past; what was being loaded in the place of the last one is not."""
        self._mending.abandon()
        self._suspect = self._head_wrong = self._pose_only = self._given_up = False
        self.sanity.start_over()

    def blind(self) -> Answer:
        """The answer to every frame while there is no engine to be asked."""
        if self.mending:
            return Answer(Status.SKIPPED, RELOADING, _REPLACED)
        return Answer(Status.SKIPPED, UNAVAILABLE, _NONE_LEFT)

    def judged(self, answer: Answer) -> Answer:
        """An answer as it may go out: REJECTED(invalid_output) where it makes no sense.

        While another engine is being loaded because this one gave too much nonsense, only its poses count: an answer
        that makes sense is REJECTED(reloading). One with a wrong known answer is believed until the first attempt has
        ended, and its answers say so: not those that carry only poses of an engine that was wrong in its logit alone.
        """
        answer = self.sanity.checked(answer)
        if answer.status is Status.ANSWERED:
            if self._head_wrong and self._pose_only:
                answer = without_verdict(answer, INVALID, _HEAD_WRONG)
            elif self.mending and not self._is_believed():
                answer = without_verdict(answer, RELOADING, _REPLACED)
        if self._suspect or (self._head_wrong and answer.status is Status.ANSWERED):
            answer = structs.replace(answer, suspect=True)
        self.sanity.count(answer)
        if self.sanity.healthy:
            self._ladder.healthy()
            self._pose_only = self._given_up = False
        return answer

    def mend(self) -> None:
        """Begin to replace the engine after too many invalid frames in a row; closed at once, unless poses go on."""
        if self.sanity.ill and not self.mending and not (self._pose_only and self._has_poses()):
            in_a_row = self._config.invalid.in_a_row
            self._replace(f"{in_a_row} invalid frames in a row", keep=self._has_poses())

    def distrust(self, wrong: list[Wrong]) -> None:
        """Replace an engine that gave a wrong known answer; it answers until the first attempt has ended.

        Where the logit alone was wrong, the engine goes on giving poses after that as well.
        """
        if all(each.logit_alone for each in wrong) and self._seat.flown.carries(self._config.output.pose_outputs):
            self._head_wrong = True
        else:
            self._suspect = True
        if not (self._pose_only and self._has_poses()):  # or else it is tried again in its time
            self._replace("a known answer was wrong", keep=True)

    def try_again(self) -> None:
        """Where no other engine could be loaded, begin once more when it is time: storage may have come back."""
        if self._given_up and not self._mending.leaves_work and time.monotonic() >= self._again_s:
            self._replace(self._mending.why, keep=self._has_poses())

    def go_on(self) -> Loaded | None:
        """What has been loaded in its place, once; the next attempt is begun where one has failed."""
        loaded = self._mending.take(keep=self._has_poses())
        if self._mending.exhausted:
            self._give_up()
        return loaded

    def _replace(self, why: str, keep: bool) -> None:
        self._mending.begin(why, keep)
        if self._mending.exhausted:
            self._give_up()

    def _give_up(self) -> None:
        """Nothing could be loaded, for now: poses go on where they are sound, and else nothing does."""
        told, self._given_up = self._given_up, True
        every_s = self._config.watchdog.others_s
        self._again_s = time.monotonic() + every_s
        again = f"it is tried again every {every_s:g} s, and by command"
        if self._has_poses():
            if not self._pose_only:
                name, why = self._seat.flown.name, self._mending.why
                self._events.add("debris_given_up", f"{name}: {why}; its poses are sound and go on; {again}")
            self._pose_only = True
            return
        self._seat.clear()
        if self._pose_only or not told:
            self._events.add(UNAVAILABLE, f"no engine is left: every frame is SKIPPED(unavailable); {again}")
        self._suspect = self._head_wrong = self._pose_only = False
        self.sanity.start_over()

    def _is_believed(self) -> bool:
        """While another engine is being loaded."""
        return self._suspect or (self._head_wrong and not self._mending.failed)

    def _has_poses(self) -> bool:
        """Whether the engine is wrong for debris alone: a pose is not withheld for the debris side's sake."""
        sound = self.sanity.pose_is_sound or (self._head_wrong and not self.sanity.ill)
        return self._seat.taken and sound and not self._suspect
