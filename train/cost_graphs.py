"""Graphs that `python -m hil_tests marginal-cost` times: pose network, fused network, separate detector, crop.

Weights are random: they do not change the time.
"""

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import torch
from onnx import ModelProto
from torch import Tensor, nn

from onboard import files
from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from train.backbones import registry
from train.backbones.registry import BackboneOptions
from train.backbones.trunk import IMAGENET, POOLED, Backbone
from train.crop import Crop
from train.fuse import merge, parts
from train.heads.blocks import BlockSum
from train.heads.discriminant import Discriminant
from train.onnx_model import taps as listing
from train.onnx_model import walk
from train.onnx_model.ports import ImagePort, image_port
from train.onnx_model.shapes import kinds

_OPSET = 17
# Of lite0's head: ten classes seen in seven ways; and stages 4 and 7, 5, 6, and stage 7's averages once more.
_CLASSES, _SETS = 70, ((0, 1, 6, 7), (2, 3), (4, 5), (6,))


class _Flown(NamedTuple):
    """What flies on a backbone: the tapped maps by their channels, whether their spread is taken too, and the head.

    The head is made from the lengths of the vectors: each map's averages, then its spread.
    """

    channels: tuple[int, ...]
    spread: bool
    head: Callable[[Sequence[int]], nn.Module]


def write(folder: Path, backbones: Sequence[str]) -> None:
    """Write `crop.onnx`, and for each backbone `pose.onnx`, `fused.onnx` and `separate.onnx`, all float32, batch 1.

    `fused.onnx` takes the pose network's own input, as `fuse --keep-inputs` writes it. `separate.onnx` is the backbone
    with the debris head alone.

    Raises:
        InputError: a backbone without a rule for its taps.
    """
    if unknown := [name for name in backbones if name not in FLOWN]:
        raise InputError(f"--backbones: '{unknown[0]}' is not among {', '.join(FLOWN)}")
    spec = CropSpec()
    for name in backbones:
        path = folder / name / "pose.onnx"
        _save(_pose_network(name, spec), path)
        pose = onnx.load(str(path))
        port = image_port(pose, path)
        taps = _taps(pose, port, FLOWN[name], spec)
        known = kinds(pose, port, *spec.input_hw)
        behind = parts.head(_head(taps, FLOWN[name]), [known[tap] for tap in taps], None, _OPSET)
        fused = merge.with_head(pose, behind, taps, path)
        _save(fused, folder / name / "fused.onnx")
        _save(_separate(fused), folder / name / "separate.onnx")
        crop = parts.preprocessing(Crop(spec, IMAGENET.mean, IMAGENET.std), port, spec, _OPSET)
        _save(crop, folder / "crop.onnx")


def _pose_network(name: str, spec: CropSpec) -> ModelProto:
    """A backbone with a rotation and a translation head."""
    backbone = registry.load(BackboneOptions(name, weights="random")).module
    image = torch.zeros(1, 3, *spec.input_hw)
    file: Any = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the tracing exporter is meant; see train.export.graph
        torch.onnx.export(
            _Pose(backbone, backbone.channels(spec)[POOLED]).eval(),
            (image,),
            file,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["image"],
            output_names=["rotation", "translation"],
        )
    return onnx.load_from_string(file.getvalue())


class _Pose(nn.Module):
    def __init__(self, backbone: Backbone, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.rotation, self.translation = nn.Linear(width, 4), nn.Linear(width, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pooled = list(self.backbone.maps(image).values())[-1].mean(dim=(2, 3))
        return self.rotation(pooled), self.translation(pooled)


def _taps(pose: ModelProto, port: ImagePort, flown: _Flown, spec: CropSpec) -> list[str]:
    maps = [tap for tap in listing.find(pose, port, *spec.input_hw, every=True) if len(tap.shape) == 4]
    # The last map of so many channels is where the stage ends.
    return [[tap.name for tap in maps if tap.shape[1] == channels][-1] for channels in flown.channels]


def _head(taps: Sequence[str], flown: _Flown) -> parts.TapHead:
    layers = [name for tap in taps for name in ([tap, f"{tap}_std"] if flown.spread else [tap])]
    blocks = [channels for channels in flown.channels for _ in range(1 + flown.spread)]
    return parts.TapHead(taps if len(taps) > 1 else layers, layers, flown.head(blocks))


def _distances(blocks: Sequence[int]) -> nn.Sequential:
    """Discriminant distances on four sets of vectors, of lengths `blocks`, added up; with random numbers."""
    draw = torch.Generator().manual_seed(0)
    heads = []
    for each in _SETS:
        width = sum(blocks[number] for number in each)
        axes = torch.randn(width, _CLASSES - 1, generator=draw) / width
        centres = torch.randn(_CLASSES, _CLASSES - 1, generator=draw)
        heads.append(Discriminant(torch.zeros(width), axes, centres, torch.ones(_CLASSES - 1)))
    return nn.Sequential(BlockSum(heads, _SETS, blocks, torch.zeros(4), torch.ones(4)), nn.Unflatten(0, (1, 1)))


def _plume(blocks: Sequence[int]) -> nn.Module:
    """Folded, as it flies."""
    return nn.Sequential(
        nn.Linear(sum(blocks), 1024), nn.LeakyReLU(), nn.Linear(1024, 512), nn.LeakyReLU(), nn.Linear(512, 1)
    )


def _separate(fused: ModelProto) -> ModelProto:
    """What the debris logit alone needs."""
    part = walk.prefix(fused, [parts.LOGIT])
    part.graph.output[0].CopyFrom(next(value for value in fused.graph.output if value.name == parts.LOGIT))
    return part


def _save(model: ModelProto, path: Path) -> None:
    onnx.checker.check_model(model, full_check=True)
    with files.whole(path) as beside:
        onnx.save(model, str(beside))


# Lite0: the head of configs/spark_sample.yaml. ResNet: PLUME on the pooled vector, as in the paper.
FLOWN = {
    "efficientnet_lite0": _Flown((80, 112, 192, 320), True, _distances),
    "resnet50": _Flown((2048,), False, _plume),
    "resnet18": _Flown((512,), False, _plume),
}
