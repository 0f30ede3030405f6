"""What a flip did, from the logits with and without it; and what each set of checks makes of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from onboard.errors import InputError
from onboard.normal_scores import Box, FrameRule

LOGIT = "debris_logit"
LOGIT_LIMIT = 1e6  # the node's own default, invalid.logit_limit

Outcome = Literal["masked", "detected", "silent"]


class Seen(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one window gave.

    Attributes:
        logit: its bits, for known answers are compared to the last of them.
        alarm: the decision; None: the node rejects the frame (an output is not finite, or the logit is too large).
    """

    logit: bytes
    alarm: bool | None


class Facts(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What one flip did in one graph.

    Attributes:
        to_alarm: frames that had no alarm and have one now.
        to_normal: frames that had an alarm and have none now.
        rejected: frames that the node now rejects as nonsense.
        answers: known answers whose logit is another, be it in the last bit.
        clamped: frames on which something outside its limits came to a clamp, and none did without the flip; None: not
            recorded, for there are no clamps, the flip did no harm, or the campaign is older.
    """

    to_alarm: int
    to_normal: int
    rejected: int
    answers: int
    clamped: int | None = None

    @property
    def changed(self) -> int:
        """Frames with a wrong decision."""
        return self.to_alarm + self.to_normal


def rule(bundle: Any, rate: float | None) -> FrameRule:
    """The bundle's decision.

    Raises:
        InputError: it has no calibration, or too few frames for the rate.
    """
    found = FrameRule.at(bundle, rate)
    if found is None:
        raise InputError(
            f"{bundle.folder}: holds no normal scores, so nothing decides an alarm; run "
            "'python -m calibration threshold' on it"
        )
    return found


def see(outputs: Mapping[str, npt.NDArray[Any]], decide: FrameRule, box: Box) -> Seen:
    """Judge one window's outputs as the node does."""
    value = outputs[LOGIT].reshape(-1)[:1]
    logit = float(value[0])
    floats = (array for array in outputs.values() if array.dtype.kind == "f")
    if not abs(logit) <= LOGIT_LIMIT or not all(np.isfinite(array).all() for array in floats):
        return Seen(value.tobytes(), None)
    return Seen(value.tobytes(), decide.is_debris(decide.scores.p_value(-logit, box), box))


def facts(before: Sequence[Seen], after: Sequence[Seen], answers: int) -> Facts:
    """Compare runs with and without a flip.

    Args:
        before, after: of the same windows: frames first, then the known answers.
        answers: how many of them are known answers.
    """
    frames = len(before) - answers
    pairs = [(b.alarm, a.alarm) for b, a in zip(before[:frames], after[:frames], strict=True)]
    return Facts(
        to_alarm=pairs.count((False, True)),
        to_normal=pairs.count((True, False)),
        rejected=sum(b is not None and a is None for b, a in pairs),
        answers=sum(b.logit != a.logit for b, a in zip(before[frames:], after[frames:], strict=True)),
    )


def outcome(found: Facts, known_answers: bool) -> Outcome:
    """One word for a flip.

    Args:
        found: what it did.
        known_answers: whether the node runs them.

    Returns:
        `masked`: every decision is as before; `detected`: a frame is rejected, or a decision is wrong and a known
        answer tells; `silent`: a decision is wrong and nothing tells.
    """
    if found.rejected:
        return "detected"
    if not found.changed:
        return "masked"
    return "detected" if known_answers and found.answers else "silent"
