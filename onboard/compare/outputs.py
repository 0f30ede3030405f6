"""What the pose outputs are, and how far two values of one are apart, in its own unit."""

from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Figures = dict[str, float]


class PoseOutput(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One output.

    Attributes:
        kind: quaternion (last axis 4 numbers; q and -q are the same rotation), translation (last axis 3 numbers),
            keypoints (last axis begins with x and y), or plain.
        scale: what the output's numbers are multiplied by to be metres or pixels.
    """

    kind: Literal["quaternion", "translation", "keypoints", "plain"] = "plain"
    scale: float = 1.0


class PoseOutputs(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A file that says which output is what; an output that it does not name is plain."""

    pose_outputs: dict[str, PoseOutput]


# The figure of each kind that a limit holds for.
JUDGED = {"quaternion": "deg", "translation": "m", "keypoints": "px", "plain": "relative"}
_LAST_AXIS = {"quaternion": (4, 4), "translation": (3, 3), "keypoints": (2, None), "plain": (0, None)}


def wrong_shape(kind: str, shape: tuple[int, ...]) -> str | None:
    """Why an output of this shape cannot be of this kind, or None."""
    least, most = _LAST_AXIS[kind]
    last = shape[-1] if shape else 0
    if kind == "plain" or (least <= last and (most is None or last <= most)):
        return None
    return f"{kind} needs a last axis of {least}{'' if most else ' or more'}, its shape is {list(shape)}"


def difference(output: PoseOutput, old: Array, new: Array) -> Figures:
    """How far two values are apart; the largest where the output holds several.

    Gives `deg`; or `m` and `m_x`, `m_y`, `m_z`; or `px`; or `relative` (to the old one's largest value) and `max_abs`.
    Not finite where a value is not.
    """
    a, b = old.astype(np.float64) * output.scale, new.astype(np.float64) * output.scale
    apart = np.abs(a - b)
    if output.kind == "quaternion":
        return {"deg": float(np.max(angle_deg(a, b)))}
    if output.kind == "translation":
        x, y, z = (float(axis) for axis in apart.reshape(-1, 3).max(axis=0))
        return {"m": float(np.linalg.norm(a - b, axis=-1).max()), "m_x": x, "m_y": y, "m_z": z}
    if output.kind == "keypoints":
        return {"px": float(np.linalg.norm((a - b)[..., :2], axis=-1).max())}
    largest, moved = float(np.abs(a).max(initial=0.0)), float(apart.max(initial=0.0))
    return {"relative": moved / largest if largest else (0.0 if moved == 0 else float("inf")), "max_abs": moved}


def angle_deg(a: Array, b: Array) -> Array:
    """The angle of the rotation from one quaternion to another, in degrees, 0 to 180, along the last axis.

    By the half-angle's tangent: an arc cosine would lose half of the digits of a small angle.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = (q / np.linalg.norm(q, axis=-1, keepdims=True) for q in (a, b))
    b = np.where((a * b).sum(-1, keepdims=True) < 0, -b, b)
    across, along = np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)
    degrees: Array = np.degrees(4 * np.arctan2(across, along))
    return degrees
