"""python -m calibration threshold: from normal frames to a false-alarm rate that holds."""

import math
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np

from calibration import normal, scoring, sizes, uses
from calibration.frames import LabelledFrame
from calibration.normal_data import NormalData, read_normals
from calibration.npy import npy
from calibration.rewrite import rewrite
from calibration.score_cache import ScoreCache
from calibration.sizes import EVERY_SIZE, SizeRange
from onboard import conformal, image_hashes
from onboard.bundle import Bundle
from onboard.calibration import Calibration, FrameThreshold, SizeGroup
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.normal_scores import Box, apparent_size_px

POOLED, IMAGES = "calibration_scores.npy", "calibration_images.bin"


def threshold(folder: Path, options: NormalData, rate: float, confidence: float | None, by_size: bool) -> None:
    """Calibrate a bundle's frame threshold, write it into its manifest, and tell; see `calibrate`."""
    written, told = calibrate(folder, options, rate, confidence, by_size)
    print(told)
    print(f"{folder}: calibrated; bundle {written.sha256}")


def calibrate(
    folder: Path, options: NormalData, rate: float, confidence: float | None, by_size: bool
) -> tuple[Bundle, str]:
    """Calibrate a bundle's frame threshold and write it into its manifest.

    Args:
        folder: the bundle.
        options: the normal data.
        rate: alpha.
        confidence: see `conformal.rank`.
        by_size: promise the rate for each range of apparent sizes.

    Returns:
        The calibrated bundle, and what there is to tell.

    Raises:
        InputError: the data are too few for the rate, or cannot be used, or would calibrate the graph on frames that it
            was made with.
    """
    detector = Detector.load(folder)
    normals = read_normals(detector.bundle, options)
    shares = uses.share_out(detector.bundle, normals.frames, options)
    ours = shares.calibrate
    normals.left_out["kept back"] = len(shares.select)
    normals.left_out["that the graph was made with"] = shares.made_graph
    kept = f"{len(normals.frames) - len(ours)} were kept back or used; --kept-back 0 keeps none back"
    _refuse_too_few(options.data, len(ours), rate, confidence, kept)
    with ScoreCache(options.cache, detector.bundle) as cache:
        scores = scoring.score(detector, ours, cache, options.grey)
    answered = [(pair, s.score) for pair, s in zip(ours, scores, strict=True) if s.score is not None]
    rejected = [
        (frame.path.name, one.reason or "unknown")
        for (_, frame), one in zip(ours, scores, strict=True)
        if one.score is None
    ]
    normals.left_out.update(f"rejected ({reason})" for _, reason in rejected)
    why = f"{len(rejected)} were rejected, {rejected[0][0]} for {rejected[0][1]}" if rejected else kept
    _refuse_too_few(options.data, len(answered), rate, confidence, why)
    boxes = [_box(frame) for (_, frame), _ in answered]
    values = np.array([value for _, value in answered], np.float32)
    spans = [EVERY_SIZE]
    if by_size:
        spans = sizes.ranges([apparent_size_px(box) for box in boxes], conformal.needed(rate, confidence))
    groups, added = _groups(spans, boxes, values, rate, confidence)
    added[IMAGES] = image_hashes.pack(digest for (digest, _), _ in answered)
    made = FrameThreshold(
        false_alarm_rate=rate,
        confidence=confidence,
        groups=groups,
        frame_px=scores[0].frame_px,
        images=IMAGES,
        data_sha256=normal.data_sha256(pair for pair, _ in answered),
        seed=options.seed,
        kept_back=options.kept_back,
    )
    old = detector.bundle.manifest.calibration
    written = _write(detector.bundle, made, added)
    told = [_text(made, normals.left_out, detector.bundle)]
    if strange := normal.unfitted_text(detector.bundle, (frame.label for (_, frame), _ in answered), "frames"):
        told.append(strange)
    if by_size:
        least = conformal.needed(rate, confidence)
        told.append(
            f"octaves of size with fewer than {least} frames, which this rate needs, were joined with their neighbours"
        )
    now = written.manifest.calibration
    if old is not None and old.track is not None and (now is None or now.track is None):
        told.append(
            "the track threshold rested on the old scores and was removed: run 'python -m calibration tracks' again"
        )
    return written, "\n".join(told)


def _box(frame: LabelledFrame) -> Box:
    if frame.box is None:
        raise AssertionError("a frame with a score has a box")
    return frame.box


def _groups(
    spans: list[SizeRange], boxes: list[Box], values: np.ndarray, rate: float, confidence: float | None
) -> tuple[tuple[SizeGroup, ...], dict[str, bytes]]:
    members = np.array([next(i for i, span in enumerate(spans) if apparent_size_px(box) in span) for box in boxes])
    added = {POOLED: npy(np.sort(values))}
    groups = []
    for number, span in enumerate(spans):
        scores = np.sort(values[members == number])
        rank = conformal.rank(len(scores), rate, confidence)
        name = POOLED if len(spans) == 1 else f"calibration_scores_{number}.npy"
        added[name] = npy(scores)
        groups.append(SizeGroup(span.from_px, span.to_px, len(scores), rank, float(scores[-rank]), name))
    return tuple(groups), added


def _write(bundle: Bundle, made: FrameThreshold, added: dict[str, bytes]) -> Bundle:
    old = bundle.manifest.calibration or Calibration(bundle.manifest.files[bundle.manifest.model])
    # Bundles of before hold the day: no reason to give the same calibration another hash.
    same = old.frame is not None and msgspec.structs.replace(made, date=old.frame.date) == old.frame
    if same and all(bundle.contents.get(name) == data for name, data in added.items()):
        return bundle
    calibration = msgspec.structs.replace(old, frame=made, track=None)
    manifest = msgspec.structs.replace(bundle.manifest, calibration_scores=POOLED, calibration=calibration)
    return rewrite(bundle, manifest, added)


def _refuse_too_few(data: Path, count: int, rate: float, confidence: float | None, less: str) -> None:
    if conformal.rank(count, rate, confidence):
        return
    sure = "" if confidence is None else f" at a confidence of {confidence:g}"
    finest = 1 / (count + 1) if confidence is None else 1 - (1 - confidence) ** (1 / max(1, count))
    raise InputError(
        f"{data}: a false-alarm rate of {rate:g}{sure} needs {conformal.needed(rate, confidence)} normal frames, and "
        f"{count} are left for the calibration ({less})"
        + (f"; the finest rate that {count} support{sure} is {math.ceil(finest * 1e4) / 1e4:g}" if count else "")
    )


def _text(made: FrameThreshold, left_out: Counter[str], bundle: Bundle) -> str:
    sure = "on average over calibration sets" if made.confidence is None else f"with {made.confidence:g} confidence"
    frames = sum(group.frames for group in made.groups)
    left = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count) or "none"
    lines = [f"{frames} normal frames; left out: {left}"]
    if bundle.manifest.fit_images is None:
        lines.append("the bundle does not say which images its head was fitted on: that none is here is not checked")
    lines.append(f"P(false alarm) <= {made.false_alarm_rate:g} a frame, {sure}")
    lines.append("size                 frames   p-value at most   score above")
    for group in made.groups:
        span, limit = SizeRange(group.from_px, group.to_px).text(), group.rank / (group.frames + 1)
        lines.append(f"{span:<19}{group.frames:>8}{limit:>18.6f}{group.score_threshold:>14.6f}")
    return "\n".join(lines)
