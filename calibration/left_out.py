"""What a track threshold is worth to a class that it never saw. Reported, never used to choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from calibration import track_choice
from calibration.normal_data import NormalData
from calibration.score_cache import ScoreCache
from calibration.track_data import ScoredTrack, score_tracks
from calibration.track_report import maxima
from calibration.track_threshold import TrackOptions
from onboard import conformal
from onboard.bundle import Bundle
from onboard.calibration import TrackStatistic
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.normal_scores import NormalScores


@dataclass(frozen=True)
class LeftOut:
    """A class whose tracks the threshold was not calibrated on.

    Attributes:
        name: the class.
        bundle: the head's; None: the calibrated bundle's.
        calibrated: tracks of the other classes.
        tracks: of this class.
        known: whether the head was fitted on the class, as far as its bundle says.
        alarms: of those, within the horizon; None where `calibrated` cannot support the rate.
    """

    name: str
    bundle: Path | None
    calibrated: int
    tracks: int
    known: bool
    alarms: int | None


def measure(
    bundle: Bundle, scored: list[ScoredTrack], statistic: TrackStatistic, options: NormalData, asked: TrackOptions
) -> list[LeftOut]:
    """Of every class with a bundle of its own; without any such bundle, of every class, with the head as it is.

    Raises:
        InputError: a bundle cannot be used, or its head was fitted on the class; or no track is of the class.
    """
    names = sorted({one.track.label for one in scored if one.track.label is not None})
    if unknown := sorted(set(asked.without) - set(names)):
        raise InputError(f"--without {unknown[0]}: no track is of this class; the classes are {', '.join(names)}")
    if not asked.without:
        if len(names) < 2:
            return []
        fitted = _fitted(bundle)
        return [_one(name, statistic, scored, asked, path=None, known=not fitted or name in fitted) for name in names]
    found = []
    for name, path in sorted(asked.without.items()):
        anew, same = scored_without(bundle, name, path, scored, statistic, options)
        found.append(_one(name, same, anew, asked, path, known=False))
    return found


def scored_without(
    bundle: Bundle,
    name: str,
    path: Path,
    tracks: Sequence[ScoredTrack],
    statistic: TrackStatistic,
    options: NormalData,
) -> tuple[list[ScoredTrack], TrackStatistic]:
    """Tracks scored anew by a head that never saw a class, and the statistic with what is usual to that head.

    Args:
        bundle: that is calibrated.
        name: the class.
        path: of the bundle whose head never saw it.
        tracks: to score.
        statistic: of the calibrated bundle.
        options: where scores are kept, and what is done with grey images.

    Raises:
        InputError: the bundle cannot be used, its head was fitted on the class, or it differs by more than that.
    """
    detector = Detector.load(path)
    _refuse_known(detector.bundle, name)
    _refuse_other_kind(detector.bundle, bundle, name)
    reference = NormalScores.of(detector.bundle)
    with ScoreCache(options.cache, detector.bundle) as cache:
        anew = score_tracks(detector, [one.track for one in tracks], cache, options.grey)
    if reference is None:
        raise AssertionError("tracks are scored against normal scores")
    (same,) = (
        one
        for one in track_choice.candidates(reference)
        if (one.kind, one.evidence) == (statistic.kind, statistic.evidence)
    )
    return anew, same


def _refuse_known(bundle: Bundle, name: str) -> None:
    fitted = _fitted(bundle)
    if name in fitted:
        raise InputError(
            f"--without {name}: the head of {bundle.folder} was fitted on {fitted[name]} images of this class; fit one "
            f"without it, with 'anomaly_classes: [debris, {name}]' in the configuration's data"
        )


def _refuse_other_kind(without: Bundle, bundle: Bundle, name: str) -> None:
    for what, one, other in zip(("crop", "backbone", "head"), _kind(without), _kind(bundle), strict=True):
        if one != other:
            raise InputError(
                f"--without {name}: the {what} of {without.folder} is not that of {bundle.folder}, so its scores say "
                "nothing of that head; fit both from the same configuration but for 'anomaly_classes'"
            )


def _kind(bundle: Bundle) -> tuple[object, ...]:
    manifest = bundle.manifest
    # A learning rate that was searched for depends on the classes.
    head = {key: value for key, value in manifest.head.items() if key != "learning_rate"}
    return manifest.crop, manifest.backbone, head


def _fitted(bundle: Bundle) -> Mapping[str, int]:
    fitted: Mapping[str, int] = bundle.manifest.training.get("samples", {}).get("fit", {})
    return fitted


def _one(
    name: str,
    statistic: TrackStatistic,
    tracks: Sequence[ScoredTrack],
    asked: TrackOptions,
    path: Path | None,
    known: bool,
) -> LeftOut:
    """Set the threshold on all classes but one, and count the false alarms on that one."""
    inside = np.array([scored.track.label == name for scored in tracks])
    tops = maxima(statistic, tracks, asked.horizon)
    others, ours = np.sort(tops[~inside]), tops[inside]
    k = conformal.rank(len(others), asked.rate)
    alarms = int(np.count_nonzero(ours > others[-k])) if k else None
    return LeftOut(name, path, len(others), len(ours), known, alarms)


def text(found: Sequence[LeftOut], rate: float) -> str:
    """The table, and the share of all of them with its exact 95 % interval, as if tracks were independent."""
    lines = ["class left out       head            calibrated on   its tracks   false alarms"]
    for one in found:
        head = "knows it" if one.known else "never saw it"
        told = "too few" if one.alarms is None else str(one.alarms)
        lines.append(f"{one.name:<20} {head:<15}{one.calibrated:>14}{one.tracks:>13}{told:>15}")
    counted = [one for one in found if one.alarms is not None]
    if counted:
        total, alarms = sum(one.tracks for one in counted), sum(one.alarms or 0 for one in counted)
        low, high = stats.binomtest(alarms, total).proportion_ci(method="exact")
        lines.append(
            f"all of them: {alarms} of {total} alarmed, {alarms / total:.3f} (95 %: {low:.3f} to {high:.3f}); "
            f"alpha is {rate:g}"
        )
    return "\n".join(lines)
