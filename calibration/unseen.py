"""A track threshold for a class that nobody has seen: each class is scored by a head that was fitted without it.

Classes, not tracks, are drawn alike here: a new one is to the K that are known as each of them is to the others.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from calibration import track_threshold
from calibration.left_out import LeftOut, scored_without
from calibration.normal_data import NormalData
from calibration.track_data import ScoredTrack
from calibration.track_report import maxima
from calibration.track_threshold import TrackOptions
from onboard import conformal
from onboard.bundle import Bundle
from onboard.calibration import TrackStatistic, TrackThreshold
from onboard.errors import InputError

Tops = Mapping[str, npt.NDArray[np.float64]]


def refuse_too_few(data: Path, labels: Sequence[str | None], asked: TrackOptions) -> None:
    """Refuse a rate that so many classes cannot support, and classes without a head that never saw them.

    Args:
        data: names the data in the error.
        labels: class of each calibration track.
        asked: rate and heads.

    Raises:
        InputError: as said, or a track has no class.
    """
    if None in labels:
        raise InputError(f"{data}: --unseen takes the class of every track (see track.yaml); some have none")
    names = sorted({str(label) for label in labels})
    if missing := [name for name in names if name not in asked.without]:
        raise InputError(
            f"{data}: --unseen scores each class by a head that never saw it, and there is none of {missing[0]}; fit "
            f"one with 'anomaly_classes: [debris, {missing[0]}]', and give it with --without {missing[0]}=BUNDLE"
        )
    if not conformal.class_rank(len(names), 1, asked.rate):
        raise InputError(
            f"{data}: a false-alarm rate of {asked.rate:g} for a class never seen needs "
            f"{conformal.needed(asked.rate)} classes, and there are {len(names)}, which support "
            f"{math.ceil(1e4 / (len(names) + 1)) / 1e4:g} at the finest, however many tracks there are"
        )


def as_many_of_each(ours: Sequence[ScoredTrack], seed: int) -> list[ScoredTrack]:
    """As many tracks of each class as the rarest has, drawn by seed and content."""
    by_class = _by_class(sorted(ours, key=lambda one: _drawn(one, seed)))
    each = min(len(tracks) for tracks in by_class.values())
    return [one for tracks in by_class.values() for one in tracks[:each]]


def tops(
    bundle: Bundle, ours: Sequence[ScoredTrack], statistic: TrackStatistic, options: NormalData, asked: TrackOptions
) -> Tops:
    """Each class's maxima within the horizon, by the head that never saw it.

    Raises:
        InputError: see `left_out.scored_without`.
    """
    found = {}
    for name, tracks in sorted(_by_class(ours).items()):
        anew, same = scored_without(bundle, name, asked.without[name], tracks, statistic, options)
        found[name] = maxima(same, anew, asked.horizon)
        if not np.isfinite(found[name]).all():
            raise InputError(f"{options.data}: a track of {name} has too few frames with a verdict; leave it out")
    return found


def threshold(
    found: Tops, ours: Sequence[ScoredTrack], statistic: TrackStatistic, options: NormalData, asked: TrackOptions
) -> tuple[TrackThreshold, npt.NDArray[np.float64]]:
    """The threshold, and the sorted maxima that it rests on."""
    made, _ = track_threshold.threshold(list(ours), statistic, options, asked)
    data = np.sort(np.concatenate(list(found.values())))
    rank = conformal.class_rank(len(found), len(data) // len(found), asked.rate)
    return msgspec.structs.replace(
        made, tracks=len(data), rank=rank, threshold=float(data[-rank]), classes=len(found)
    ), data


def check(found: Tops, asked: TrackOptions) -> list[LeftOut]:
    """Each class against the threshold that all the others give."""
    rows = []
    for name, ours in found.items():
        others = np.sort(np.concatenate([tops for other, tops in found.items() if other != name]))
        rank = conformal.class_rank(len(found) - 1, len(ours), asked.rate)
        alarms = int(np.count_nonzero(ours > others[-rank])) if rank else None
        rows.append(LeftOut(name, asked.without[name], len(others), len(ours), False, alarms))
    return rows


def _by_class(tracks: Sequence[ScoredTrack]) -> dict[str, list[ScoredTrack]]:
    found: dict[str, list[ScoredTrack]] = {}
    for one in tracks:
        found.setdefault(str(one.track.label), []).append(one)
    return found


def _drawn(scored: ScoredTrack, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\t{scored.track.sha256}\tunseen".encode()).digest()
