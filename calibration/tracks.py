"""python -m calibration tracks: from whole normal tracks to a false-alarm rate a track."""

from collections import Counter
from pathlib import Path

import msgspec

from calibration import in_force, left_out, normal, results, track_report, track_threshold, unseen, uses
from calibration.normal_data import NormalData
from calibration.npy import npy
from calibration.rewrite import rewrite
from calibration.score_cache import ScoreCache
from calibration.track_choice import Candidate
from calibration.track_data import TrackFrames, read_tracks, refuse_blind, rejected_text, score_tracks
from calibration.track_threshold import MAXIMA, TrackOptions
from onboard.bundle import Bundle
from onboard.calibration import Calibration, TrackThreshold
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.normal_scores import NormalScores
from onboard.track import TrackRule


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
    if asked.unseen:
        labels = [track.label for track in found if roles[track.sha256] == "calibrate"]
        unseen.refuse_too_few(options.data, labels, asked)
    else:
        track_threshold.refuse_too_few(options.data, count, len(found) - count, left, asked.rate)
    reference = NormalScores.of(detector.bundle)
    with ScoreCache(options.cache, detector.bundle) as cache:
        scored = score_tracks(detector, found, cache, options.grey)
        refuse_blind(options.data, scored, asked.horizon)
        if reference is None:
            raise AssertionError("tracks are scored against normal scores")
        ours = [one for one in scored if roles[one.track.sha256] == "calibrate"]
        kept = [one for one in scored if roles[one.track.sha256] == "select"]
        ranked = track_threshold.statistics(options.data, kept, reference, asked)
        if asked.unseen:
            every, ours = len(ours), unseen.as_many_of_each(ours, options.seed)
            left["more than the rarest class has"] = every - len(ours)
            by_class = unseen.tops(detector.bundle, ours, ranked[0].statistic, options, asked)
            made, tops = unseen.threshold(by_class, ours, ranked[0].statistic, options, asked)
        else:
            made, tops = track_threshold.threshold(ours, ranked[0].statistic, options, asked)
        rule = TrackRule(made.statistic, made.horizon_frames, tops, made.rank / (made.tracks + 1))
        seen = None
        if asked.debris is not None:
            names = normal.debris_classes(detector.bundle, options.debris)
            debris = [t for t in read_tracks(asked.debris) if normal.is_debris(t.label, names)]
            if not debris:
                raise InputError(f"{asked.debris}: no track is labelled {', '.join(names)}")
            flown = score_tracks(detector, debris, cache, options.grey)
            if flown[0].frame_px != scored[0].frame_px:
                raise InputError(
                    f"{asked.debris}: frames of {flown[0].frame_px} px, and the normal tracks have "
                    f"{scored[0].frame_px}; give debris of the size that will fly"
                )
            seen = track_report.debris(rule, flown)
    out = (
        unseen.check(by_class, asked)
        if asked.unseen
        else left_out.measure(detector.bundle, scored, made.statistic, options, asked)
    )
    written = _write(detector.bundle, made, npy(tops))
    print(_text(made, ranked, left + Counter({"kept back": len(kept)})))
    if told := rejected_text(scored):
        print(told)
    if strange := normal.unfitted_text(detector.bundle, (one.track.label for one in ours), "tracks"):
        print(strange)
    if seen is not None:
        print(seen.text())
    if out:
        print(left_out.text(out, asked.rate))
    report = {
        "threshold": msgspec.to_builtins(made),
        "statistics": [{"name": one.text(), **msgspec.to_builtins(one)} for one in ranked],
        "debris": None if seen is None else {**msgspec.to_builtins(seen), "missed": seen.missed},
        "left_out": [{**vars(one), "bundle": str(one.bundle) if one.bundle else None} for one in out],
    }
    results.write(options.cache / results.TRACKS, written, report)
    print(f"report: {options.cache / results.TRACKS}\n{folder}: calibrated on tracks; bundle {written.sha256}")


def _read(bundle: Bundle, options: NormalData, asked: TrackOptions) -> tuple[list[TrackFrames], Counter[str]]:
    everything = read_tracks(options.data)
    names = normal.debris_classes(bundle, options.debris)
    clean = normal.without_debris(options.data, everything, lambda t: t.label, names, options.ignore_debris, "tracks")
    once = list({track.sha256: track for track in clean}.values())
    _refuse_shared(options, once)
    frames = [(digest, track.sha256) for track in once for digest in track.digests if digest]
    fresh = normal.without_fitted(bundle, options.data, frames, options.skip_fitted)
    fresh = _without_used(bundle, options, fresh)
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


def _refuse_shared(options: NormalData, tracks: list[TrackFrames]) -> None:
    """Pieces of one pass that overlap are one track and not several, and one of them might choose for the other."""
    first: dict[object, str] = {}
    for track in tracks:
        for digest, frame in zip(track.digests, track.frames, strict=True):
            other = first.setdefault((digest, frame.box), track.name) if digest else track.name
            if other != track.name:
                raise InputError(
                    f"{options.data}: tracks {other} and {track.name} share the image {frame.path.name}; the promise "
                    "counts independent tracks: give tracks that do not overlap"
                )


def _without_used(bundle: Bundle, options: NormalData, frames: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out frames that the p-values rest on, or the graph was made with: none in flight is like that."""
    digests = [digest for digest, _ in frames]
    calibrated = [not fresh for fresh in in_force.fresh(bundle, digests)]
    made_graph = uses.made_graph(bundle, digests)
    for used, what in ((calibrated, "the frame threshold was calibrated on"), (made_graph, "the graph was made with")):
        if any(used) and not options.skip_fitted:
            raise InputError(
                f"{options.data}: {what} {used.count(True)} of its {len(frames)} images; give other tracks, or leave "
                "these out with --skip-fitted"
            )
    return [pair for pair, one, other in zip(frames, calibrated, made_graph, strict=True) if not (one or other)]


def _write(bundle: Bundle, made: TrackThreshold, data: bytes) -> Bundle:
    old = bundle.manifest.calibration or Calibration(bundle.manifest.files[bundle.manifest.model])
    # Bundles of before hold the day: no reason to give the same calibration another hash.
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
    whose = "a normal track" if made.classes is None else "one track of a class never seen"
    lines.append(
        f"{ranked[0].text()} above {made.threshold:.6g} is an alarm: P({whose} alarms within "
        f"{made.horizon_frames} frames) <= {made.false_alarm_rate:g}, on average over calibration sets"
    )
    if made.classes is not None:
        lines.append(
            f"{made.tracks // made.classes} tracks of each of {made.classes} classes, scored by heads that never saw "
            f"them; no rate below {1 / (made.classes + 1):.3g} can be promised with so many classes"
        )
    return "\n".join(lines)
