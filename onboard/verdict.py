"""The verdict on a frame, of replay and flight alike: names, box, answer, and whether that is called debris."""

import math
from typing import Any

from onboard.messages import Answer, StageTimes, Verdict
from onboard.normal_scores import Box, FrameRule


def verdict_on(
    key: tuple[str, int, str],
    box: Box | None,
    box_source: str | None,
    answer: Answer,
    rule: FrameRule | None,
    times: StageTimes,
    bundle: str,
    **flown: Any,
) -> Verdict:
    """Give it.

    Args:
        key: run, frame id and name of the frame.
        box: in frame pixels; None where there is none.
        box_source: where it came from.
        answer: to the frame.
        rule: calls a box debris; None: nothing is called so, nor not so.
        times: of the frame's stages.
        bundle: SHA-256 of the bundle.
        flown: fields that there are in flight alone.
    """
    run, frame_id, frame = key
    is_debris = None
    if rule is not None and answer.p_value is not None and box is not None:
        is_debris = rule.is_debris(answer.p_value, box)
    return Verdict(
        run=run,
        frame_id=frame_id,
        frame=frame,
        box=box if box is not None and all(map(math.isfinite, box)) else None,  # JSON has no NaN
        box_source=box_source,
        status=answer.status,
        reason=answer.reason,
        detail=answer.detail,
        logit=answer.logit,
        anomaly_score=answer.anomaly_score,
        p_value=answer.p_value,
        is_debris=is_debris,
        stage_ns=times,
        bundle=bundle,
        **flown,
    )
