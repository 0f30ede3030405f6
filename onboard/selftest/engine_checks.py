"""The bundle's hashes, its known answers on this machine, and how long the detector takes here."""

from pathlib import Path

import numpy as np

from onboard import bundle as bundles
from onboard import engine as engines
from onboard.bundle import Bundle
from onboard.crop_spec import CropSpec
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.messages import Answer, Status
from onboard.selftest.check import Check

_WARM_UP = 3
_FILLED = 0.7  # of a window's side by the box: too much for the next smaller window


def hashes(folder: Path, config: NodeConfig | None) -> tuple[Check, Bundle | None]:
    """The bundle, where its files are what its manifest says, and signed where the configuration has a key."""
    try:
        key = None if config is None else config.signature.key()
        bundle = bundles.read(folder, key)
    except InputError as error:
        return Check("hashes", False, str(error)), None
    signed = "" if key is None else ", signed"
    return Check("hashes", True, f"{len(bundle.manifest.files)} files, bundle {bundle.sha256[:12]}{signed}"), bundle


def answers_and_latency(bundle: Bundle, config: NodeConfig | None, engine: Path | None, frames: int) -> list[Check]:
    """Known answers, and the latency where these are given."""
    try:
        detector = Detector(bundle, engines.load(bundle, 1 if config is None else config.runtime.threads, engine))
    except InputError as error:
        return [Check("known answers", False, str(error))]
    known = len(bundle.manifest.known_answers)
    given = Check("known answers", True, f"{known}, with {detector.engine.name}")
    return [given, _latency(detector, config, frames)]


def _latency(detector: Detector, config: NodeConfig | None, frames: int) -> Check:
    """Times of the window and of the engine, at the 99th percentile of the slowest window size, against the budgets."""
    told, slowest = [], {"window": 0.0, "infer": 0.0, "both": 0.0}
    for side, height, width in _shapes(detector.bundle):
        answers = _answers(detector, side, height, width, frames)
        if (wrong := next((each for each in answers if each.status is not Status.ANSWERED), None)) is not None:
            return Check(
                "latency", False, f"a frame of noise was {wrong.status.value} ({wrong.reason}): {wrong.detail}"
            )
        window = [each.window_ns / 1e6 for each in answers]
        infer = [each.infer_ns / 1e6 for each in answers]
        both = [a + b for a, b in zip(window, infer, strict=True)]
        told.append(f"{side} px {np.median(both):.1f} / {np.percentile(both, 99):.1f} ms")
        for name, values in (("window", window), ("infer", infer), ("both", both)):
            slowest[name] = max(slowest[name], float(np.percentile(values, 99)))
    limits: dict[str, float | None] = {}
    if config is not None:
        limits = {"window": config.deadlines.window, "infer": config.deadlines.infer, "both": config.deadline_ms}
    over = [
        f"{name} p99 {slowest[name]:.1f} ms is over {key} {limit:g}"
        for (name, limit), key in zip(
            limits.items(), ("deadlines.window", "deadlines.infer", "deadline_ms"), strict=False
        )
        if limit is not None and slowest[name] > limit
    ]
    if over:
        remedy = "raise the budget, free the processor, or build a TensorRT engine"
        return Check("latency", False, f"{'; '.join(over)}: {remedy} ({', '.join(told)})")
    budget = "" if any(limit is not None for limit in limits.values()) else "; no budget to hold it against"
    return Check("latency", True, f"median / p99 by window: {', '.join(told)}{budget}")


def _shapes(bundle: Bundle) -> list[tuple[int, int, int]]:
    """A window's side, and a frame's height and width that it is cut from."""
    spec: CropSpec = bundle.manifest.crop
    if spec.whole:
        height, width = spec.frame_hw
        return [(max(height, width), height, width)]
    return [(size, size, size) for size in spec.windows]


def _answers(detector: Detector, side: int, height: int, width: int, frames: int) -> list[Answer]:
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    half = _FILLED * min(side, height, width) / 2
    box = (width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half)
    return [detector(frame, box) for _ in range(_WARM_UP + frames)][_WARM_UP:]
