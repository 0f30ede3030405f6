"""ResNet-50 in int8 against float32, in ONNX Runtime on one thread by turns. Weights are random: they change no time.

python -m benchmarks.int8_resnet50 [--rounds 60]
"""

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import torchvision
from torch import nn

from benchmarks import ending
from calibration import latency
from calibration.graph.running import Feed
from calibration.int8.layers import candidates, named
from calibration.int8.quantise import quantise, tensor_ranges
from onboard import machine

_OPSET = 17


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = named(_resnet50(Path(folder)))
    given: Feed = {"image": np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)}
    nodes = candidates(model)
    made = quantise(model, nodes, tensor_ranges(model, iter([given]), "minmax"))
    graphs = {"fp32": model.SerializeToString(), "int8": made.SerializeToString()}
    times = latency.by_turns(graphs, given, options.rounds)
    middle, low, high = latency.ratio(times["fp32"], times["int8"])
    print(f"{machine.describe()}, ResNet-50 at 224 px, {len(nodes)} layers in int8, {options.rounds} rounds by turns")
    print(
        f"median {np.median(times['fp32']):.1f} ms against {np.median(times['int8']):.1f} ms: "
        f"{middle:.2f} times faster ({low:.2f} to {high:.2f})"
    )


def _resnet50(folder: Path) -> onnx.ModelProto:
    torch.manual_seed(0)
    network = torchvision.models.resnet50(weights=None)
    for module in network.modules():
        if (
            isinstance(module, nn.BatchNorm2d) and module.running_mean is not None
        ):  # as they come, all are equal, and the exporter shares them
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.normal_(module.bias, 0, 0.1)
    path = folder / "resnet50.onnx"
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            nn.Sequential(network, nn.Linear(1000, 1)).eval(),
            (torch.zeros(1, 3, 224, 224),),
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["image"],
            output_names=["debris_logit"],
        )
    return onnx.load(str(path))


if __name__ == "__main__":
    ending.run(main)
