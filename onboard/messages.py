"""What the node says of a frame: exactly one terminal record each."""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy.typing as npt


class Status(str, enum.Enum):
    """How a frame ended."""

    ANSWERED = "ANSWERED"
    REJECTED = "REJECTED"
    """The frame or its box allows no verdict; the reason says why."""
    SKIPPED = "SKIPPED"
    """The node never worked on the frame; the reason says why."""


class Answer(msgspec.Struct, frozen=True, omit_defaults=False):
    """The detector's word on one box.

    Attributes:
        status: ANSWERED, or REJECTED with a reason.
        reason: None, or a short machine-readable name such as `box_empty`.
        detail: None, or a sentence for a person.
        logit: the head's output; high is normal (a satellite), low is anomalous (debris).
        anomaly_score: -logit; higher is more debris-like.
        p_value: share of held-out normal data (of the box's size, where calibrated so) at least as anomalous,
            (1 + count) / (n + 1); None without calibration.
        window_ns: time spent cutting the window.
        infer_ns: time spent in the flight graph.
        outputs: what a fused graph gives besides the logit: the pose network's outputs, by their own names.
    """

    status: Status
    reason: str | None = None
    detail: str | None = None
    logit: float | None = None
    anomaly_score: float | None = None
    p_value: float | None = None
    window_ns: int = 0
    infer_ns: int = 0
    outputs: Mapping[str, npt.NDArray[Any]] = {}


class StageTimes(msgspec.Struct, frozen=True):
    """Nanoseconds spent in each stage of one frame; `total` is from the file's opening to the verdict."""

    read: int
    window: int
    infer: int
    total: int


class Verdict(msgspec.Struct, frozen=True):
    """One line of the verdict file.

    Attributes:
        run: names the replay; with `frame_id` it names the frame.
        frame_id: counts from 0 in the order of the file names.
        frame: the file's path below the source folder.
        box: x_min, y_min, x_max, y_max in frame pixels; None where there is none, or none that is finite.
        box_source: where the box came from: `sidecar`, or None.
        is_debris: whether p_value is low enough for the false-alarm rate in force; None where there is no verdict.
        bundle: SHA-256 of the bundle's manifest, which holds the hashes of all its files.
    """

    run: str
    frame_id: int
    frame: str
    box: tuple[float, float, float, float] | None
    box_source: str | None
    status: Status
    reason: str | None
    detail: str | None
    logit: float | None
    anomaly_score: float | None
    p_value: float | None
    is_debris: bool | None
    stage_ns: StageTimes
    bundle: str
