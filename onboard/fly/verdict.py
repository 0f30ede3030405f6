"""The verdict on a frame in flight, from all that is known of it."""

import time
from typing import Any

from onboard.messages import Answer, StageTimes, TrackVerdict, Verdict
from onboard.normal_scores import FrameRule
from onboard.sources import Settled, SourceFrame
from onboard.verdict import verdict_on


def made(
    item: SourceFrame | Settled,
    answer: Answer,
    track: TrackVerdict | None,
    rule: FrameRule | None,
    bundle: str,
    pose_outputs: tuple[str, ...] | None,
) -> Verdict:
    """The verdict.

    Args:
        item: the frame; one that a source has settled has neither box nor times.
        answer: to it.
        track: its track's state, or None.
        rule: calls a box debris; None: nothing is called so, nor not so.
        bundle: SHA-256 of the bundle.
        pose_outputs: names of the outputs that it carries; None: all.
    """
    frame = item if isinstance(item, SourceFrame) else None
    total_ns = 0 if frame is None else time.monotonic_ns() - frame.arrived_ns
    inside_ns = answer.find_ns + answer.window_ns + answer.infer_ns
    return verdict_on(
        (item.run.hex(), item.frame_id, item.name),
        None if frame is None else frame.box,
        None if frame is None else frame.box_source,
        answer,
        rule,
        StageTimes(total_ns - inside_ns, answer.window_ns, answer.infer_ns, total_ns, answer.find_ns),
        bundle,
        exposure_start_ns=None if frame is None else frame.exposure_start_ns,
        exposure_end_ns=None if frame is None else frame.exposure_end_ns,
        outputs=_nested(answer, pose_outputs),
        track=track,
        suspect=answer.suspect,
    )


def _nested(answer: Answer, names: tuple[str, ...] | None) -> dict[str, Any] | None:
    if not answer.outputs:
        return None
    kept = {name: values for name, values in answer.outputs.items() if names is None or name in names}
    return {name: values.tolist() for name, values in kept.items()} or None
