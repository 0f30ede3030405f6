"""What calibration found, as the manifest holds it: thresholds are data, never part of the graph."""

from typing import Annotated, Literal

import msgspec

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
"""A plain name: whatever a manifest says, nothing outside its folder is opened."""
Rate = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class SizeGroup(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Boxes of one range of apparent sizes (square root of the box's area, frame pixels) and their normal scores.

    Attributes:
        from_px: the smallest size, included.
        to_px: the end of the range, not included; None: no end.
        frames: calibration frames in this group.
        rank: k: a box is called debris where its p-value is at most k / (frames + 1).
        score_threshold: the k-th highest normal score; a score above it is an alarm. For people: the node goes by rank.
        scores: sorted anomaly scores of the group, a float32 .npy file of the bundle.
    """

    from_px: Annotated[float, msgspec.Meta(ge=0)]
    to_px: float | None
    frames: Count
    rank: Count
    score_threshold: float
    scores: FileName


class FrameThreshold(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The per-frame decision.

    Attributes:
        false_alarm_rate: alpha.
        confidence: None: P(false alarm) <= alpha on average over calibration sets; else with this confidence for
            this very set.
        groups: one for all sizes, or several that share them out without a gap.
        frame_px: width and height of the frames.
        images: of the frames: the first 8 bytes of each file's SHA-256, sorted, big-endian; a file of the bundle.
        data_sha256: over the frames' contents and boxes.
        seed: of the draw that kept some frames for other uses.
        kept_back: share of the frames that the draw keeps for quantising, clamping and selecting.
        date: day of the calibration, UTC, in bundles of before; None in new ones: the same calibration on another day
            gives the same bytes.
    """

    false_alarm_rate: Rate
    confidence: Rate | None
    groups: Annotated[tuple[SizeGroup, ...], msgspec.Meta(min_length=1)]
    frame_px: tuple[Count, Count]
    images: FileName
    data_sha256: Sha256
    seed: int
    kept_back: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    date: str | None = None


class TrackStatistic(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the frames of a track become one number that rises with the evidence; see `onboard.track`.

    Attributes:
        kind: `ewma` (smoothed), `k_of_n` (k-th highest of the last n) or `cusum` (sum above what is usual).
        evidence: of a frame: `score` (anomaly score) or `log_p` (-ln of its p-value).
        usual: the evidence of a usual normal frame, where ewma starts.
        slack: added to `usual` for what cusum takes off each frame.
        weight: of the newest frame in ewma.
        k, n: of k_of_n.
        gap_frames: after more missing frames in a row than this, what was gathered is forgotten.
    """

    kind: Literal["ewma", "k_of_n", "cusum"]
    evidence: Literal["score", "log_p"]
    usual: float
    slack: Annotated[float, msgspec.Meta(ge=0)]
    weight: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.2
    k: Count = 4
    n: Count = 6
    gap_frames: Annotated[int, msgspec.Meta(ge=0)] = 10

    def __post_init__(self) -> None:
        if self.k > self.n:
            raise ValueError(f"k {self.k} must be at most n {self.n}")


class TrackThreshold(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The per-track decision: P(a normal track alarms within the horizon) <= alpha, on average over calibration sets.

    Attributes:
        false_alarm_rate: alpha.
        horizon_frames: H, counted from a track's first frame, missing ones included.
        statistic: see `TrackStatistic`.
        tracks: normal tracks of the calibration.
        rank: k: alarm where the highest value so far has a p-value of at most k / (tracks + 1).
        threshold: the k-th highest maximum; a value above it is an alarm. For people: the node goes by rank.
        maxima: sorted maxima of the tracks within the horizon, a float64 .npy file of the bundle.
        data_sha256, seed, kept_back, date: as for `FrameThreshold`, of whole tracks.
        classes: None: the promise holds for normal tracks like the calibration's. Else it holds for one track of a
            class never seen, drawn as these K classes were; they gave as many tracks each, scored by heads that never
            saw them.
        frame_px: width and height of the frames; None: the bundle is older than this key.
    """

    false_alarm_rate: Rate
    horizon_frames: Count
    statistic: TrackStatistic
    tracks: Count
    rank: Count
    threshold: float
    maxima: FileName
    data_sha256: Sha256
    seed: int
    kept_back: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    date: str | None = None
    classes: Count | None = None
    frame_px: tuple[Count, Count] | None = None


class Calibration(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What `python -m calibration` added to a bundle; None where it was not asked for.

    Attributes:
        model_sha256: of the graph whose scores these are; with another graph nothing here holds.
    """

    model_sha256: Sha256
    frame: FrameThreshold | None = None
    track: TrackThreshold | None = None

    @property
    def frame_px(self) -> tuple[int, int] | None:
        """Width and height of the frames that the thresholds hold for; None: nothing is known."""
        if self.frame is not None:
            return self.frame.frame_px
        return None if self.track is None else self.track.frame_px

    def files(self) -> list[str]:
        """The bundle's files that are named here."""
        named = [] if self.frame is None else [self.frame.images, *(group.scores for group in self.frame.groups)]
        return named + ([] if self.track is None else [self.track.maxima])


def other_frame_size(calibration: Calibration | None, width: int, height: int) -> str | None:
    """Why frames of this size get no verdict; None: the thresholds hold for it, or nothing is known."""
    calibrated = None if calibration is None else calibration.frame_px
    if calibrated is None or calibrated == (width, height):
        return None
    return (
        f"{width} x {height} px, but the bundle is calibrated on frames of {calibrated[0]} x {calibrated[1]} px; "
        "calibrate it on this camera's: python -m calibration threshold"
    )
