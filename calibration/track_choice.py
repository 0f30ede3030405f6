"""Which statistic a track is judged by: chosen on normal tracks alone, by shifts of their own scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.track_data import ScoredTrack
from onboard.calibration import TrackStatistic
from onboard.normal_scores import NormalScores
from onboard.track import values

_SHIFTS = (0.5, 1.0, 2.0)  # of the scores, in their standard deviations over normal frames
LEAST_TRACKS = 5  # to choose on


@dataclass(frozen=True)
class Candidate:
    """A statistic and how well it saw shifted normal tracks.

    Attributes:
        statistic: see `TrackStatistic`.
        found: share of the shifted tracks that it saw; NaN where nothing was chosen.
        delay_frames: from the shift to the alarm, mean over those.
    """

    statistic: TrackStatistic
    found: float = float("nan")
    delay_frames: float = float("nan")

    def text(self) -> str:
        how = self.statistic
        return f"{how.kind} of {how.evidence}"


def candidates(normal: NormalScores) -> list[TrackStatistic]:
    """The fixed list; what is usual is taken from the bundle's normal frames, not from the tracks.

    Args:
        normal: the bundle's normal scores.
    """
    scores = np.concatenate(normal.groups).astype(np.float64)
    # The p-values of normal frames are uniform, so their -ln has mean and standard deviation 1 whatever the scores.
    scales = {"log_p": (1.0, 1.0), "score": (float(np.median(scores)), float(np.std(scores)))}
    return [
        TrackStatistic(kind=kind, evidence=evidence, usual=usual, slack=spread / 2)  # type: ignore[arg-type]
        for evidence, (usual, spread) in scales.items()
        for kind in ("ewma", "k_of_n", "cusum")
    ]


def choose(
    listed: Sequence[TrackStatistic], tracks: Sequence[ScoredTrack], normal: NormalScores, rate: float, horizon: int
) -> list[Candidate]:
    """Rank the statistics by how often they see a shift of normal scores, at a threshold set on the same tracks.

    From a third of the horizon on, each track's scores are raised by 0.5, 1 and 2 standard deviations of the normal
    frames. No debris has a say.

    Args:
        listed: the statistics.
        tracks: kept back from the calibration, at least `horizon` frames long.
        normal: the bundle's normal scores.
        rate: of false alarms.
        horizon: frames of a track that count.

    Returns:
        Best first.
    """
    begin, spread = horizon // 3, float(np.std(np.concatenate(normal.groups)))
    shifted = [_shifted(track, begin, size * spread, normal) for size in _SHIFTS for track in tracks]
    ranked = []
    for statistic in listed:
        tops = [values(statistic, t.scores[:horizon], t.p_values[:horizon]).max() for t in tracks]
        limit = float(np.quantile(tops, 1 - rate, method="higher"))
        above = [np.flatnonzero(values(statistic, s[:horizon], p[:horizon]) > limit) for s, p in shifted]
        delays = [max(0, int(frames[0]) - begin) for frames in above if len(frames)]
        ranked.append(
            Candidate(statistic, len(delays) / len(shifted), float(np.mean(delays)) if delays else float(horizon))
        )
    return sorted(ranked, key=lambda one: (-one.found, one.delay_frames))


def _shifted(
    scored: ScoredTrack, begin: int, by: float, normal: NormalScores
) -> tuple[list[float | None], list[float | None]]:
    scores = [s if s is None or i < begin else s + by for i, s in enumerate(scored.scores)]
    p_values = [
        p if s is None or frame.box is None or i < begin else normal.p_value(s, frame.box)
        for i, (s, p, frame) in enumerate(zip(scores, scored.p_values, scored.track.frames, strict=True))
    ]
    return scores, p_values
