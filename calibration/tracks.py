"""python -m calibration tracks: from whole normal tracks to a false-alarm rate a track."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from calibration import normal, track_choice, track_report
from calibration.normal_data import NormalData
from calibration.npy import npy
from calibration.rewrite import rewrite
from calibration.score_cache import ScoreCache
from calibration.track_choice import LEAST_TRACKS, Candidate
from calibration.track_data import ScoredTrack, TrackFrames, read_tracks, score_tracks
from onboard import conformal, files
from onboard.bundle import Bundle
from onboard.calibration import Calibration, TrackStatistic, TrackThreshold
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.normal_scores import NormalScores
from onboard.track import TrackRule

MAXIMA, REPORT = "track_maxima.npy", "tracks.json"


@dataclass(frozen=True)
class TrackOptions:
    """What is asked of the track decision.

    Attributes:
        rate: alpha.
        horizon: frames from a track's first one.
        kind, evidence: of the statistic; None: chosen on the tracks that are kept back.
        debris: folder with debris tracks to report on; None: none.
        without: bundles whose heads were fitted without a class, by class.
    """

    rate: float
    horizon: int
    kind: str | None
    evidence: str | None
    debris: Path | None
    without: Mapping[str, Path]


def tracks(folder: Path, options: NormalData, asked: TrackOptions) -> None:
    """Calibrate a bundle's track threshold, write it into its manifest, and report.

    Args:
        folder: the bundle; its p-values are those of its frame calibration, or of its export.
        options: the normal tracks.
        asked: rate, horizon and statistic.

    Raises:
        InputError: there are too few tracks for the rate, or they cannot be used.
    """
    detector = Detector.load(folder)
    found, left = _read(detector.bundle, options, asked)
    roles = {track.sha256: normal.role(track.sha256, options.seed, options.kept_back) for track in found}
    count = sum(role == "calibrate" for role in roles.values())
    _refuse_too_few(options.data, count, len(found) - count, left, asked.rate)
    reference = NormalScores.of(detector.bundle)
    with ScoreCache(options.cache, detector.bundle) as cache:
        scored = score_tracks(detector, found, cache, options.grey)
        if reference is None:
            raise AssertionError("tracks are scored against normal scores")
        ours = [one for one in scored if roles[one.track.sha256] == "calibrate"]
        kept = [one for one in scored if roles[one.track.sha256] == "select"]
        ranked = _statistics(options.data, kept, reference, asked)
        made, data = _threshold(ours, ranked[0].statistic, options, asked)
        rule = TrackRule(made.statistic, made.horizon_frames, np.sort(data), made.rank / (made.tracks + 1))
        seen = None
        if asked.debris is not None:
            debris = [t for t in read_tracks(asked.debris) if normal.is_debris(t.label, options.debris)]
            if not debris:
                raise InputError(f"{asked.debris}: no track is labelled {', '.join(options.debris)}")
            seen = track_report.debris(rule, score_tracks(detector, debris, cache, options.grey))
    out = _left_out(scored, made.statistic, options, asked)
    written = _write(detector.bundle, made, npy(np.sort(data)))
    print(_text(made, ranked, left + Counter({"kept back": len(kept)})))
    if seen is not None:
        print(seen.text())
    if out:
        print(track_report.left_out_text(out, asked.rate))
    report = {
        "bundle": written.sha256,
        "threshold": msgspec.to_builtins(made),
        "statistics": [{"name": one.text(), **msgspec.to_builtins(one)} for one in ranked],
        "debris": None if seen is None else {**msgspec.to_builtins(seen), "missed": seen.missed},
        "left_out": [{**vars(one), "bundle": str(one.bundle) if one.bundle else None} for one in out],
    }
    files.write_text(options.cache / REPORT, json.dumps(_finite(report), indent=2) + "\n")
    print(f"report: {options.cache / REPORT}\n{folder}: calibrated on tracks; bundle {written.sha256}")


def _read(bundle: Bundle, options: NormalData, asked: TrackOptions) -> tuple[list[TrackFrames], Counter[str]]:
    everything = read_tracks(options.data)
    clean = normal.without_debris(
        options.data, everything, lambda t: t.label, options.debris, options.ignore_debris, "tracks"
    )
    once = list({track.sha256: track for track in clean}.values())
    frames = [(digest, track.sha256) for track in once for digest in track.digests if digest]
    fresh = normal.without_fitted(bundle, options.data, frames, options.skip_fitted)
    spoilt = {name for _, name in set(frames).difference(fresh)}  # one fitted frame is enough
    unseen = [track for track in once if track.sha256 not in spoilt]
    long = [track for track in unseen if len(track.frames) >= asked.horizon]
    left = Counter(
        debris=len(everything) - len(clean),
        twice=len(clean) - len(once),
        fitted=len(once) - len(unseen),
        short=len(unseen) - len(long),
    )
    return long, left


def _refuse_too_few(data: Path, count: int, kept: int, left: Counter[str], rate: float) -> None:
    if conformal.rank(count, rate):
        return
    raise InputError(
        f"{data}: a false-alarm rate of {rate:g} a track needs {conformal.needed(rate)} normal tracks as long as the "
        f"horizon, and {count} are left for the calibration ({kept} were kept back, {left['short']} are shorter; "
        f"--kept-back 0 keeps none back); the finest rate that {count} support is "
        f"{math.ceil(1e4 / (count + 1)) / 1e4:g}"
    )


def _statistics(data: Path, kept: list[ScoredTrack], reference: NormalScores, asked: TrackOptions) -> list[Candidate]:
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


def _threshold(
    ours: list[ScoredTrack], statistic: TrackStatistic, options: NormalData, asked: TrackOptions
) -> tuple[TrackThreshold, np.ndarray]:
    data = track_report.maxima(statistic, ours, asked.horizon)
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
        date=datetime.now(timezone.utc).date().isoformat(),
    )
    return made, data


def _left_out(
    scored: list[ScoredTrack], statistic: TrackStatistic, options: NormalData, asked: TrackOptions
) -> list[track_report.LeftOut]:
    """Of every class with a bundle of its own; without any such bundle, of every class, with the head as it is."""
    names = sorted({one.track.label for one in scored if one.track.label is not None})
    if unknown := sorted(set(asked.without) - set(names)):
        raise InputError(f"--without {unknown[0]}: no track is of this class; the classes are {', '.join(names)}")
    if not asked.without:
        if len(names) < 2:
            return []
        return [track_report.left_out(name, statistic, scored, asked.horizon, asked.rate, None) for name in names]
    found = []
    for name, path in sorted(asked.without.items()):
        detector = Detector.load(path)
        reference = NormalScores.of(detector.bundle)
        with ScoreCache(options.cache, detector.bundle) as cache:
            anew = score_tracks(detector, [one.track for one in scored], cache, options.grey)
        if reference is None:
            raise AssertionError("tracks are scored against normal scores")
        (same,) = (
            one
            for one in track_choice.candidates(reference)
            if (one.kind, one.evidence) == (statistic.kind, statistic.evidence)
        )
        found.append(track_report.left_out(name, same, anew, asked.horizon, asked.rate, path))
    return found


def _write(bundle: Bundle, made: TrackThreshold, data: bytes) -> Bundle:
    old = bundle.manifest.calibration or Calibration(bundle.manifest.files[bundle.manifest.model])
    # A day is no reason to give the same calibration another hash.
    same = old.track is not None and msgspec.structs.replace(made, date=old.track.date) == old.track
    if same and bundle.contents.get(MAXIMA) == data:
        return bundle
    calibration = msgspec.structs.replace(old, track=made)
    return rewrite(bundle, msgspec.structs.replace(bundle.manifest, calibration=calibration), {MAXIMA: data})


def _text(made: TrackThreshold, ranked: list[Candidate], left_out: Counter[str]) -> str:
    left = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count) or "none"
    lines = [f"{made.tracks} normal tracks; left out: {left}"]
    if len(ranked) > 1:
        lines.append("statistic          shifted tracks seen   delay, frames")
        lines += [f"{one.text():<19}{one.found:>19.3f}{one.delay_frames:>16.1f}" for one in ranked]
    lines.append(
        f"{ranked[0].text()} above {made.threshold:.6g} is an alarm: P(a normal track alarms within "
        f"{made.horizon_frames} frames) <= {made.false_alarm_rate:g}, on average over calibration sets"
    )
    return "\n".join(lines)


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
