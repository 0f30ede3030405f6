"""The marginal cost of the debris head: fused against the pose network alone, and against a detector of its own."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hil_tests.marginal.timing import by_turns, call, ratio, session

WINDOWS = (256, 512, 1024)
_INPUT_PX = 224
# Of the comparison with OpenCV: the ImageNet normalisation, in grey levels.
_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_STD = np.array([58.395, 57.12, 57.375], np.float32)


def heads(folder: Path, rounds: int, told: str) -> dict[str, Any]:
    """Time `pose.onnx`, `fused.onnx` and `separate.onnx` of a folder by turns.

    Args:
        folder: with the three graphs, which take the same input.
        rounds: how often each is run.
        told: beside the progress bar.

    Returns:
        `fused_over_pose` and `fused_over_separate` (fused over the sum of pose network and separate detector), medians
        of the rounds' ratios; their spreads; and the medians in milliseconds.
    """
    graphs = {name: session(folder / f"{name}.onnx") for name in ("pose", "fused", "separate")}
    (given,) = graphs["pose"].get_inputs()
    image = np.random.default_rng(0).standard_normal([1, *given.shape[1:]], np.float32)
    times = by_turns({n: call(g, {g.get_inputs()[0].name: image}) for n, g in graphs.items()}, rounds, told)
    over_pose = ratio(times["fused"], times["pose"])
    over_both = ratio(times["fused"], times["pose"] + times["separate"])
    return {
        "fused_over_pose": over_pose["median"],
        "fused_over_separate": over_both["median"],
        "fused_over_pose_spread": [over_pose["p5"], over_pose["p95"]],
        "fused_over_separate_spread": [over_both["p5"], over_both["p95"]],
        "median_ms": {name: float(np.median(values)) for name, values in times.items()},
        "head_weights_bytes": sum((folder / f).stat().st_size * s for f, s in (("fused.onnx", 1), ("pose.onnx", -1))),
    }


def crop(path: Path, rounds: int) -> dict[str, Any]:
    """Time the in-graph crop by window size beside an OpenCV crop, resize and normalisation of the same box.

    The box fills two thirds of the window, as a margin and the window's steps leave it on average.
    """
    graph = session(path)
    found: dict[str, Any] = {}
    for window_px in WINDOWS:
        window = np.random.default_rng(0).integers(0, 256, (1, window_px, window_px, 3), np.uint8)
        low, high = window_px // 6, window_px - window_px // 6
        box = np.array([[low, low, high, high]], np.float32)
        calls: dict[str, Callable[[], object]] = {
            "graph": call(graph, {"window": window, "box": box}),
            "opencv": partial(by_opencv, window[0, low:high, low:high]),
        }
        times = by_turns(calls, rounds, f"crop {window_px} px")
        found[str(window_px)] = {f"{name}_ms": float(np.median(values)) for name, values in times.items()}
    return found


def by_opencv(part: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What a host program would do: area resize of the box, normalise, channels first; float32 1 x 3 x 224 x 224."""
    resized = cv2.resize(part, (_INPUT_PX, _INPUT_PX), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(((resized.astype(np.float32) - _MEAN) / _STD).transpose(2, 0, 1)[None])


def bandwidth_gb_s(rounds: int = 10) -> float:
    """Memory that one thread reads a second, in GB: the best of some sums over 256 MiB."""
    block = np.ones(64 * 2**20, np.float32)
    times = by_turns({"read": lambda: block.max()}, rounds, "bandwidth")["read"]
    return float(block.nbytes / times.min() / 1e6)
