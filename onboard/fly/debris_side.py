"""The debris side's work behind the engine: what goes wrong in it costs a frame its verdict, and never its pose."""

from typing import TYPE_CHECKING

from onboard.errors import unforeseen
from onboard.fly.output_sanity import INVALID, without_verdict
from onboard.fly.verdict import made
from onboard.messages import Answer, Status, Verdict
from onboard.sources import Settled, SourceFrame

if TYPE_CHECKING:
    from onboard.fly.loop import Parts


def judged(parts: "Parts", item: SourceFrame | Settled, answer: Answer) -> tuple[Answer, Verdict]:
    """A frame's verdict, with that on its track, and the answer that is to be recorded.

    Where either cannot be made, a frame that was answered is REJECTED(invalid_output) with its outputs, and its track,
    which may have taken half a frame, is judged no longer.
    """
    bundle, names = parts.guard.bundle.sha256, parts.config.output.pose_outputs
    if answer.fault:
        parts.events.add("debris_failed", f"{item.name}: {answer.detail}")
    try:
        track = parts.tracks.update(item.run, item.frame_id, answer)
        return answer, made(item, answer, track, parts.guard.rule, bundle, names)
    except Exception as error:  # a fault of the node, which must be told and not end the flight
        why = unforeseen(error)
    parts.events.add("debris_failed", f"{item.name}: {why}")
    parts.tracks.lose(item.run)
    if answer.status is Status.ANSWERED:
        answer = without_verdict(answer, INVALID, why)
    return answer, made(item, answer, None, None, bundle, names)
