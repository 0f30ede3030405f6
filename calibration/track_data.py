"""Whole tracks: a folder each, its frames in the order of their names."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calibration import frames as reading
from calibration import scoring
from calibration.frames import ABOUT, SIDECAR, LabelledFrame
from calibration.normal import same_frame_size
from calibration.score_cache import ScoreCache
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.image import Grey
from onboard.normal_scores import NormalScores


@dataclass(frozen=True)
class TrackFrames:
    """A track as it lies on disk.

    Attributes:
        name: of its folder.
        label: its class, the same for all frames; None: nothing says.
        frames: in time order; one without a box or an image is missing.
        digests: SHA-256 of each frame's file; "" where it is missing.
        sha256: over contents, boxes and order.
    """

    name: str
    label: str | None
    frames: tuple[LabelledFrame, ...]
    digests: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class ScoredTrack:
    """What the detector said of a track's frames; None where a frame is missing or was rejected.

    Attributes:
        frame_px: width and height of the frames, those of all tracks that were scored together; None: none is there.
        rejected: why, for each frame that was.
    """

    track: TrackFrames
    scores: list[float | None]
    p_values: list[float | None]
    frame_px: tuple[int, int] | None = None
    rejected: tuple[str, ...] = ()


def read_tracks(data: Path) -> list[TrackFrames]:
    """Read the tracks in `data/tracks/` or in `data` itself: every folder that holds `boxes.csv`.

    A frame that never came stands in `boxes.csv` by its name, without an image.

    Raises:
        InputError: there is no track, or one cannot be read.
    """
    if not data.is_dir():
        raise InputError(f"{data}: no such folder of tracks")
    below = data / "tracks" if (data / "tracks").is_dir() else data
    folders = sorted(path.parent for path in below.glob(f"*/{SIDECAR}"))
    if not folders:
        raise InputError(
            f"{below}: holds no track, a folder of frames with {SIDECAR}; 'python -m train synth' renders some"
        )
    tracks = [_read(folder) for folder in folders]
    nameless = [track.name for track in tracks if track.label is None]
    if nameless and len(nameless) < len(tracks):
        raise InputError(
            f"{below}: {len(nameless)} of {len(tracks)} tracks say no class ({nameless[0]} for one), though others do; "
            f"write 'class: NAME' into each one's {ABOUT}, or into none where all are normal"
        )
    return tracks


def _read(folder: Path) -> TrackFrames:
    frames = tuple(reading.read(folder))
    _refuse_other_order(folder, [frame.path.stem for frame in frames])
    labels = {frame.label for frame in frames}
    if len(labels) > 1:
        raise InputError(f"{folder}: a track shows one object, its frames are labelled {sorted(map(str, labels))}")
    present = [frame for frame in frames if frame.box is not None and frame.path.is_file()]
    digests = {frame.path: digest for digest, frame in scoring.hashed(present)}
    named = tuple(digests.get(frame.path, "") for frame in frames)
    text = "\n".join(f"{digest}\t{frame.box}" for digest, frame in zip(named, frames, strict=True))
    return TrackFrames(folder.name, labels.pop(), frames, named, hashlib.sha256(text.encode()).hexdigest())


def _refuse_other_order(folder: Path, names: Sequence[str]) -> None:
    """Refuse numbers without leading zeros: by its name, frame 10 would come before frame 9."""
    counted: dict[str, list[str]] = {}
    for name in names:
        before = name.rstrip("0123456789")
        counted.setdefault(before, []).append(name[len(before) :])
    for before, numbers in counted.items():
        for one, other in itertools.pairwise(numbers):
            if one and other and int(one) > int(other):
                raise InputError(
                    f"{folder}: its frames are taken in the order of their names, and {before}{one} comes before "
                    f"{before}{other} there; pad the numbers with zeros"
                )


def score_tracks(detector: Detector, tracks: Sequence[TrackFrames], cache: ScoreCache, grey: Grey) -> list[ScoredTrack]:
    """Score every frame of every track, those from the cache without reading them again.

    Raises:
        InputError: the bundle has no calibrated frames to make p-values from; see `scoring.score` for the rest.
    """
    normal = NormalScores.of(detector.bundle)
    if normal is None:
        raise InputError(f"{detector.bundle.folder}: has no normal scores; run 'python -m calibration threshold' first")
    present = [
        (digest, frame) for track in tracks for digest, frame in zip(track.digests, track.frames, strict=True) if digest
    ]
    answers = scoring.score(detector, present, cache, grey)
    same_frame_size(detector.bundle, present[0][1].path.parent if present else Path(), answers)
    found = iter(answers)
    scored = []
    for track in tracks:
        said = [next(found) if digest else None for digest in track.digests]
        scores = [one.score if one else None for one in said]
        rejected = tuple(one.reason or "unknown" for one in said if one and one.score is None)
        p_values = [
            None if score is None or frame.box is None else normal.p_value(score, frame.box)
            for score, frame in zip(scores, track.frames, strict=True)
        ]
        scored.append(ScoredTrack(track, scores, p_values, answers[0].frame_px if answers else None, rejected))
    return scored


def refuse_blind(data: Path, scored: Sequence[ScoredTrack], horizon: int) -> None:
    """Refuse tracks of which no frame was scored: their evidence would count as none, and lower the threshold.

    Raises:
        InputError: there are; names them, and why their frames were rejected.
    """
    blind = [one for one in scored if all(score is None for score in one.scores[:horizon])]
    if blind:
        reasons = sorted({reason for one in blind for reason in one.rejected})
        why = ", ".join(reasons) or "none has an image and a box"
        names = ", ".join(one.track.name for one in blind[:5])
        raise InputError(
            f"{data}: {len(blind)} tracks have no frame among the first {horizon} that can be scored ({why}): {names}; "
            "mend or remove them"
        )


def rejected_text(scored: Sequence[ScoredTrack]) -> str | None:
    """How many frames were rejected and why; None: none was."""
    reasons = Counter(reason for one in scored for reason in one.rejected)
    if not reasons:
        return None
    names = [one.track.name for one in scored if one.rejected]
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return f"rejected frames, which count as missing: {told}; in {len(names)} tracks ({', '.join(names[:5])})"
