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
        find_ns: time spent in finding a box; 0 where one was given.
        outputs: what a fused graph gives besides the logit: the pose network's outputs, by their own names.
        fault: whether a fault of the node, not of the frame, took the answer; the detail names it.
        suspect: whether the engine that gave it had given a wrong known answer before.
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
    find_ns: int = 0
    fault: bool = False
    suspect: bool = False


class StageTimes(msgspec.Struct, frozen=True):
    """Nanoseconds spent in each stage of one frame.

    In a replay `read` is the file's reading, and `total` is from the file's opening to the verdict. In flight `total`
    is from the frame's arrival in this process until the verdict is made, and `read` what neither finder, window nor
    engine took of it: journal, freshness, sanity.
    """

    read: int
    window: int
    infer: int
    total: int
    find: int = 0


class TrackVerdict(msgspec.Struct, frozen=True):
    """What is known of the frame's track; see `onboard.track.TrackState`.

    Attributes:
        frames: seen or missed so far, from 1.
        value: the track's statistic now; None: not enough frames yet.
        p_value: of its highest value within the horizon.
        is_debris: whether the track alarmed; an alarm stays.
        alarm_frame: at which frame it did, from 1; None: it has not.
        beyond_horizon: the promise covers no later frame, so none can raise an alarm.
    """

    frames: int
    value: float | None
    p_value: float
    is_debris: bool
    alarm_frame: int | None
    beyond_horizon: bool


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the verdict file. The last five fields are left out where there is nothing to say.

    Attributes:
        run: names the replay, or is the source's run; with `frame_id` it names the frame.
        frame_id: the source's; in a replay it counts from 0 in the order of the file names.
        frame: the file's path below the source folder, or the source's own name of the frame.
        box: x_min, y_min, x_max, y_max in frame pixels; None where there is none, or none that is finite.
        box_source: where the box came from: `sidecar`, what the message says, or in flight `finder` (found in this
            frame) or `tracker` (predicted from earlier ones; a message may say so too); None without a box.
        is_debris: whether p_value is low enough for the false-alarm rate in force; None where there is no verdict.
        bundle: SHA-256 of the bundle's manifest, which holds the hashes of all its files.
        exposure_start_ns, exposure_end_ns: in flight, the source's monotonic clock.
        outputs: in flight, what the pose network of a fused bundle gave, by its own names, as nested lists (a number
            that is not finite is null); also where the frame was rejected after inference.
        track: in flight, the track's state where the bundle is calibrated on tracks.
        suspect: in flight, true where the engine had given a wrong known answer before, and no other was there yet: its
            logit is not to be relied on, nor are the outputs, unless the logit alone was wrong.
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
    exposure_start_ns: int | None = None
    exposure_end_ns: int | None = None
    outputs: Mapping[str, Any] | None = None
    track: TrackVerdict | None = None
    suspect: bool = False
