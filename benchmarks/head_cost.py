"""What a fitted run's head costs beside its whole backbone, in ONNX Runtime on one thread, timed in turn.

python -m benchmarks.head_cost runs/spark_sample --data /path/to/spark
"""

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from benchmarks import ending
from onboard import machine
from onboard.ort_options import session_options
from train import runs
from train.backbones import registry
from train.backbones.trunk import POOLED, Backbone

_ROUNDS = 300


class _Pooled(nn.Module):
    """The whole backbone, as a network that flies for another task runs it."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.backbone(x)[POOLED]
        return pooled


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--backbone", help="beside another backbone than the run's own, with random weights")
    options = parser.parse_args()
    config = runs.read_config(options.run)
    head = runs.read_head(options.run, config)
    chosen = config.backbone
    if options.backbone:
        chosen = msgspec.structs.replace(chosen, name=options.backbone, weights="random")
    backbone = registry.load(chosen, spec=config.crop).module
    with tempfile.TemporaryDirectory() as folder:
        inputs = {"head": torch.zeros(1, head.feature_dim), "backbone": torch.zeros(1, 3, *config.crop.input_hw)}
        sessions = {
            "head": _session(head.model, inputs["head"], Path(folder) / "head.onnx"),
            "backbone": _session(_Pooled(backbone), inputs["backbone"], Path(folder) / "backbone.onnx"),
        }
        times: dict[str, list[float]] = {name: [] for name in sessions}
        for _ in range(_ROUNDS):
            for name, session in sessions.items():
                start = time.perf_counter()
                session.run(None, {"x": inputs[name].numpy()})
                times[name].append(1e3 * (time.perf_counter() - start))
    print(f"{options.run}: head on {head.feature_dim} features beside {chosen.name}, {machine.describe()}")
    for name, values in times.items():
        low, middle, high = np.percentile(values, [5, 50, 95])
        print(f"  {name:<10}{middle:.3f} ms (5 to 95 %: {low:.3f} to {high:.3f})")
    ratios = [100 * h / b for h, b in zip(times["head"], times["backbone"], strict=True)]
    print(f"  the head takes {statistics.median(ratios):.1f} % of the backbone's time (median of {_ROUNDS} pairs)")


def _session(module: nn.Module, example: Tensor, path: Path) -> onnxruntime.InferenceSession:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is meant; see train.export.graph
        torch.onnx.export(module.eval(), (example,), str(path), dynamo=False, opset_version=17, input_names=["x"])
    return onnxruntime.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    ending.run(main)
