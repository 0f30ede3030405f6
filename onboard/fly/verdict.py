"""The verdict on a frame, from all that is known of it."""

import math
import time
from typing import Any

from onboard.messages import Answer, StageTimes, TrackVerdict, Verdict
from onboard.normal_scores import FrameRule
from onboard.sources import Settled, SourceFrame


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
    box = None if frame is None else frame.box
    is_debris = None
    if rule is not None and answer.p_value is not None and box is not None:
        is_debris = rule.is_debris(answer.p_value, box)
    total_ns = 0 if frame is None else time.monotonic_ns() - frame.arrived_ns
    inside_ns = answer.find_ns + answer.window_ns + answer.infer_ns
    return Verdict(
        run=item.run.hex(),
        frame_id=item.frame_id,
        frame=item.name,
        box=box if box is not None and all(map(math.isfinite, box)) else None,  # JSON has no NaN
        box_source=None if frame is None else frame.box_source,
        status=answer.status,
        reason=answer.reason,
        detail=answer.detail,
        logit=answer.logit,
        anomaly_score=answer.anomaly_score,
        p_value=answer.p_value,
        is_debris=is_debris,
        stage_ns=StageTimes(total_ns - inside_ns, answer.window_ns, answer.infer_ns, total_ns, answer.find_ns),
        bundle=bundle,
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
