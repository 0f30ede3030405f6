"""python -m hil_tests marginal-cost: graphs made by `train`, timed here, told as text and JSON."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from hil_tests.marginal import measure
from onboard import files, machine
from onboard.errors import InputError


def marginal_cost(backbones: Sequence[str], graphs: Path | None, rounds: int, out: str | None) -> None:
    """Time the graphs of each backbone, print what was found, and write it as JSON.

    Args:
        backbones: names that `python -m train cost-graphs` knows.
        graphs: folder of the graphs; what is missing there is made. None: they are made and thrown away.
        rounds: how often each graph is timed.
        out: JSON file, `-` for standard output (then nothing else is printed there), or None.

    Raises:
        InputError: the graphs could not be made.
    """
    with tempfile.TemporaryDirectory() as beside:
        folder = graphs or Path(beside)
        _make(folder, backbones)
        found: dict[str, Any] = {name: measure.heads(folder / name, rounds, name) for name in backbones}
        found["crop"] = measure.crop(folder / "crop.onnx", rounds)
    found["about"] = {
        "machine": machine.describe(),
        "threads": 1,
        "rounds": rounds,
        "onnxruntime": onnxruntime.__version__,
        "memory_gb_s": measure.bandwidth_gb_s(),
    }
    print(_text(found, backbones), file=sys.stderr if out == "-" else sys.stdout)
    if out == "-":
        print(json.dumps(found, indent=2))
    elif out:
        files.write_text(Path(out), json.dumps(found, indent=2) + "\n")


def _make(folder: Path, backbones: Sequence[str]) -> None:
    wanted = [
        folder / "crop.onnx",
        *(folder / b / f"{n}.onnx" for b in backbones for n in ("pose", "fused", "separate")),
    ]
    if all(path.is_file() for path in wanted):
        return
    # The bench knows nothing of training: a program of its own makes the graphs.
    command = [sys.executable, "-m", "train", "cost-graphs", str(folder), "--backbones", *backbones]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise InputError(f"{' '.join(command[1:])} failed:\n{done.stdout[-2000:]}")


def _text(found: dict[str, Any], backbones: Sequence[str]) -> str:
    about = found["about"]
    lines = [
        f"{about['machine']}, ONNX Runtime {about['onnxruntime']} on one thread",
        f"medians of {about['rounds']} rounds by turns (5 to 95 %)",
    ]
    for name in backbones:
        one = found[name]
        (p5, p95), (s5, s95) = one["fused_over_pose_spread"], one["fused_over_separate_spread"]
        ms = one["median_ms"]
        floor_ms = one["head_weights_bytes"] / about["memory_gb_s"] / 1e6
        lines += [
            f"{name}: pose {ms['pose']:.2f} ms, fused {ms['fused']:.2f} ms, separate detector {ms['separate']:.2f} ms",
            f"  fused / pose alone              {one['fused_over_pose']:.4f} ({p5:.4f} to {p95:.4f}); floor "
            f"{1 + floor_ms / ms['pose']:.4f}: {one['head_weights_bytes'] / 1e6:.1f} MB of head at "
            f"{about['memory_gb_s']:.0f} GB/s",
            f"  fused / (pose + separate)       {one['fused_over_separate']:.4f} ({s5:.4f} to {s95:.4f})",
        ]
    lines.append("crop and resize of a box to 224 px, in the graph (and by OpenCV on the host):")
    lines += [
        f"  window {px:>4} px  {c['graph_ms']:.2f} ms ({c['opencv_ms']:.2f} ms)" for px, c in found["crop"].items()
    ]
    return "\n".join(lines)
