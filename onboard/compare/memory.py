"""What each network takes: its file, its weights, and this process's memory with it. Asked of a child process each.

python -m onboard.compare.memory FILE prints the figures of one graph as JSON.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from onboard import files
from onboard.manifest import Manifest
from onboard.ort_options import session_options

_STATUS = Path("/proc/self/status")


ENGINES = (".engine", ".plan", ".trt")


def measure(
    pose: Path, fused: Path, manifest: Manifest, device: tuple[int | None, int | None] = (None, None)
) -> dict[str, Any]:
    """File, weights and host memory of the old network and of the fused one, and what the fused one takes more.

    A figure that cannot be had here is None, never guessed: weights of a network other than the one that was fused
    (ONNX Runtime does not tell them), host memory of engines and outside Linux, device memory without engines.

    Args:
        pose: the old network's file.
        fused: the bundle's graph or engine.
        manifest: the bundle's.
        device: bytes of each one's activations on the GPU, as its runtime tells it.
    """
    same = files.sha256(pose) == manifest.backbone.get("pose_sha256")
    weights = manifest.backbone.get("pose_weights_bytes") if same else None
    both = {
        "pose": _one(pose, manifest.crop.windows[-1], weights, device[0]),
        "fused": _one(fused, manifest.crop.windows[-1], manifest.backbone.get("weights_bytes"), device[1]),
    }
    old, new = both["pose"], both["fused"]
    more = {key: _less(new[key], old[key]) for key in old}
    return {**both, "more": more, "pose_is_the_one_that_was_fused": same}


def _less(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one - other


def _one(path: Path, window_px: int, weights: str | None, device: int | None) -> dict[str, int | None]:
    is_engine = path.suffix.lower() in ENGINES
    return {
        "file_bytes": sum(each.stat().st_size for each in [path, *([] if is_engine else _beside(path))]),
        "weights_bytes": None if weights is None else int(weights),
        "host_bytes": None if is_engine else _host_bytes(path, window_px),
        "device_bytes": device,
    }


def _beside(path: Path) -> set[Path]:
    """Files of weights that an ONNX file names: protobuf entries of the key `location` and a value."""
    data = path.read_bytes()
    ends = [(match.end(), match[1][0]) for match in re.finditer(rb"\x0a\x08location\x12([\x01-\x7f])", data)]
    named = {path.with_name(data[end : end + length].decode("utf-8", errors="replace")) for end, length in ends}
    return {each for each in named if each.is_file()}


def _host_bytes(path: Path, window_px: int) -> int | None:
    """By how much a process grows that loads the graph and runs it three times."""
    command = [sys.executable, "-m", "onboard.compare.memory", str(path), str(window_px)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    grown: int | None = json.loads(done.stdout)
    return grown


def _resident() -> int | None:
    if not _STATUS.is_file():
        return None
    lines = [line for line in _STATUS.read_text().splitlines() if line.startswith("VmRSS:")]
    return int(lines[0].split()[1]) * 1024 if lines else None


def _grown(path: str, window_px: int) -> int | None:
    before = _resident()
    options = session_options()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
    feed = {}
    for each in session.get_inputs():
        shape = [n if isinstance(n, int) else window_px if each.name == "window" else 1 for n in each.shape]
        feed[each.name] = np.zeros(shape, types[each.type])
    if "box" in feed:
        feed["box"][:] = (window_px / 4, window_px / 4, 3 * window_px / 4, 3 * window_px / 4)
    for _ in range(3):
        session.run(None, feed)
    after = _resident()
    return None if before is None or after is None else after - before


if __name__ == "__main__":
    print(json.dumps(_grown(sys.argv[1], int(sys.argv[2]))))
