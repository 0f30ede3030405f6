"""What is found out about one frame: whether it is judged, its box, the engine's answer, and what of it may go out."""

import time
from typing import TYPE_CHECKING

import msgspec

from onboard.detector import CUT_FAILED
from onboard.errors import unforeseen
from onboard.finder import Boxes
from onboard.fly.ahead import Begun, LookAhead
from onboard.fly.output_sanity import without_verdict
from onboard.fly.unfit import Unfit, why_unfit
from onboard.messages import Answer, Status
from onboard.sanity import FAILED, Refusal, Sanity
from onboard.sources import SourceFrame

if TYPE_CHECKING:
    from onboard.fly.loop import Parts

STALE, NO_BOX, PAUSED = "stale", "no_box", "paused"
_CLOCKS_AGREE_MS = 1.0
_BOX_TROUBLE = (NO_BOX, "box_", CUT_FAILED)


class Judge:
    """Freshness, sanity, box, detector.

    Args:
        parts: of the loop.
        sanity: the loop's.
        look_ahead: the loop's; begins the next frame beside the engine.
    """

    def __init__(self, parts: "Parts", sanity: Sanity, look_ahead: LookAhead) -> None:
        self._parts, self._sanity, self._look_ahead = parts, sanity, look_ahead
        self._boxes = None if parts.config.finder is None else Boxes(parts.config.finder)
        self._offset_ns = round(parts.config.clock_offset_ms * 1e6)

    def __call__(self, frame: SourceFrame, begun: Begun) -> tuple[SourceFrame, Answer]:
        """The frame with its box, and the answer; void where its pixels were altered or overwritten meanwhile."""
        parts = self._parts
        answer, find_ns = self._skipped(frame), 0
        refusal = None if answer is not None else self._looked(frame, begun)
        if refusal is not None and refusal.reason != FAILED:
            answer = Answer(Status.REJECTED, refusal.reason, refusal.detail)
        unfit = self._unfit(frame, refusal)
        if answer is None and frame.box is None and (unfit is None or self._has_poses()):
            frame, answer, find_ns = self._found(frame)
            unfit = self._unfit(frame, refusal)
        if answer is None and unfit is not None and not self._has_poses():
            answer = Answer(Status.REJECTED, *unfit)
        if answer is None:
            assert frame.box is not None
            window = begun.window_for(parts.guard.flown.detector)
            answer = parts.guard(frame.pixels, frame.box, window, self._look_ahead.beside(frame))
        if self._sees_whole_frames() and self._has_poses() and (answer.reason or "").startswith(_BOX_TROUBLE):
            answer = self._pose_alone(frame, answer)
        if unfit is not None and answer.status is Status.ANSWERED:
            answer = without_verdict(answer, *unfit)
        if (flaw := self._look_ahead.flaw(frame, answer.infer_ns)) is not None:
            answer = Answer(*flaw, window_ns=answer.window_ns, infer_ns=answer.infer_ns)
        return frame, msgspec.structs.replace(answer, find_ns=find_ns) if find_ns else answer

    def age_ns(self, frame: SourceFrame, at_ns: int) -> int:
        """From the exposure's start until this time; below 0 where the sender's clock is ahead."""
        return at_ns - frame.exposure_start_ns - self._offset_ns

    def _skipped(self, frame: SourceFrame) -> Answer | None:
        """Why nobody looks at a frame; None: it is looked at."""
        if self._parts.paused:
            return Answer(Status.SKIPPED, PAUSED, "told to pause; 'python -m onboard tell ENDPOINT resume' ends it")
        stale_ms = self._parts.config.stale_ms
        age_ms = self.age_ns(frame, time.monotonic_ns()) / 1e6
        if age_ms < -_CLOCKS_AGREE_MS:
            early = f"{frame.name}: exposed {-age_ms:.0f} ms from now; set clock_offset_ms, or nothing is ever stale"
            self._parts.events.add("clock_ahead", early)
        if stale_ms is not None and age_ms > stale_ms:
            return Answer(Status.SKIPPED, STALE, f"{age_ms:.0f} ms old, stale_ms is {stale_ms:g}")
        return self._parts.guard.blind()

    def _looked(self, frame: SourceFrame, begun: Begun) -> Refusal | None:
        """What sanity says. A fault of its own is told, and leaves it to the pose network to see what it can."""
        refusal = begun.refusal if begun.looked else self._sanity.check(frame.pixels, frame.content)
        if refusal is not None and refusal.reason == FAILED:
            self._tell(frame, refusal.detail)
        return refusal

    def _unfit(self, frame: SourceFrame, refusal: Refusal | None) -> Unfit | None:
        """Why the frame gets no verdict, though a pose network may take it."""
        if refusal is not None and refusal.reason == FAILED:
            return Unfit(FAILED, refusal.detail)
        try:
            return why_unfit(self._parts.guard.bundle.manifest.calibration, self._parts.config.sanity, frame)
        except Exception as error:  # a fault of the node: the flight goes on, and the pose with it
            self._tell(frame, why := unforeseen(error))
            return Unfit(FAILED, why)

    def _found(self, frame: SourceFrame) -> tuple[SourceFrame, Answer | None, int]:
        """The frame with a box, or the answer where there is none, and how many ns looking for it took."""
        if self._boxes is None:
            return frame, Answer(Status.REJECTED, NO_BOX, "neither message, sidecar nor finder gives a box"), 0
        start_ns = time.monotonic_ns()
        try:
            found = self._boxes(frame.run, frame.frame_id, frame.pixels)
        except Exception as error:  # a fault of the node: the flight goes on, and the pose of whole frames with it
            self._tell(frame, why := unforeseen(error))
            return frame, Answer(Status.REJECTED, NO_BOX, why), time.monotonic_ns() - start_ns
        took_ns = time.monotonic_ns() - start_ns
        if found.box is None:
            return frame, Answer(Status.REJECTED, NO_BOX, found.why), took_ns
        return msgspec.structs.replace(frame, box=found.box, box_source=found.source), None, took_ns

    def _pose_alone(self, frame: SourceFrame, answer: Answer) -> Answer:
        """The answer, with the pose of a network that sees the whole frame and asks for no box."""
        height, width = frame.pixels.shape[:2]
        seen = self._parts.guard(frame.pixels, (0.0, 0.0, float(width), float(height)))
        if seen.fault:  # or else the engine would be reloaded for it, and nothing say why
            self._tell(frame, str(seen.detail))
        times = {"window_ns": seen.window_ns, "infer_ns": seen.infer_ns}
        return msgspec.structs.replace(answer, outputs=seen.outputs, suspect=seen.suspect, **times)

    def _tell(self, frame: SourceFrame, why: str) -> None:
        self._parts.events.add("debris_failed", f"{frame.name}: {why}")

    def _sees_whole_frames(self) -> bool:
        return self._parts.guard.bundle.manifest.crop.whole

    def _has_poses(self) -> bool:
        return self._parts.guard.flown.carries(self._parts.config.output.pose_outputs)
