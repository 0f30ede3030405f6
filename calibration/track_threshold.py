"""From scored normal tracks to a statistic and its threshold."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration import normal, track_choice
from calibration.normal_data import NormalData
from calibration.track_choice import LEAST_TRACKS, Candidate
from calibration.track_data import ScoredTrack
from calibration.track_report import maxima
from onboard import conformal
from onboard.calibration import TrackStatistic, TrackThreshold
from onboard.errors import InputError
from onboard.normal_scores import NormalScores

MAXIMA = "track_maxima.npy"


@dataclass(frozen=True)
class TrackOptions:
    """What is asked of the track decision.

    Attributes:
        rate: alpha.
        horizon: frames from a track's first one.
        kind, evidence: of the statistic; None: chosen on the tracks that are kept back.
        debris: folder with debris tracks to report on; None: none.
        without: bundles whose heads were fitted without a class, by class.
        unseen: promise the rate to a class never seen; takes a bundle of `without` for every class.
    """

    rate: float
    horizon: int
    kind: str | None
    evidence: str | None
    debris: Path | None
    without: Mapping[str, Path]
    unseen: bool = False


def refuse_too_few(data: Path, count: int, kept: int, left: Counter[str], rate: float) -> None:
    """Refuse a rate that so many tracks cannot support.

    Raises:
        InputError: they cannot.
    """
    if conformal.rank(count, rate):
        return
    raise InputError(
        f"{data}: a false-alarm rate of {rate:g} a track needs {conformal.needed(rate)} normal tracks as long as the "
        f"horizon, and {count} are left for the calibration ({kept} were kept back, {left['short']} are shorter; "
        f"--kept-back 0 keeps none back); the finest rate that {count} support is "
        f"{math.ceil(1e4 / (count + 1)) / 1e4:g}"
    )


def statistics(data: Path, kept: list[ScoredTrack], reference: NormalScores, asked: TrackOptions) -> list[Candidate]:
    """The statistics that are asked for, best first; one alone is not compared.

    Raises:
        InputError: too few tracks are kept back to choose on.
    """
    listed = [
        one
        for one in track_choice.candidates(reference)
        if asked.kind in (None, one.kind) and asked.evidence in (None, one.evidence)
    ]
    if len(listed) == 1:
        return [Candidate(listed[0])]
    if len(kept) < LEAST_TRACKS:
        raise InputError(
            f"{data}: choosing the statistic takes at least {LEAST_TRACKS} tracks kept back from the calibration, "
            f"there are {len(kept)}; raise --kept-back, or name the statistic with --statistic and --evidence"
        )
    return track_choice.choose(listed, kept, reference, asked.rate, asked.horizon)


def threshold(
    ours: list[ScoredTrack], statistic: TrackStatistic, options: NormalData, asked: TrackOptions
) -> tuple[TrackThreshold, np.ndarray]:
    """The threshold, and the sorted maxima that it rests on, float64.

    Raises:
        InputError: a track has too few frames with a verdict.
    """
    data = maxima(statistic, ours, asked.horizon)
    if not np.isfinite(data).all():
        worst = ours[int(np.argmin(data))].track.name
        raise InputError(
            f"{options.data}: track {worst} has fewer frames with a verdict than {statistic.kind} needs "
            f"({statistic.k}); leave it out, or take another --statistic"
        )
    rank = conformal.rank(len(data), asked.rate)
    made = TrackThreshold(
        false_alarm_rate=asked.rate,
        horizon_frames=asked.horizon,
        statistic=statistic,
        tracks=len(data),
        rank=rank,
        threshold=float(np.sort(data)[-rank]),
        maxima=MAXIMA,
        data_sha256=normal.digest_of(one.track.sha256 for one in ours),
        seed=options.seed,
        kept_back=options.kept_back,
        frame_px=ours[0].frame_px,
    )
    return made, np.sort(data)
