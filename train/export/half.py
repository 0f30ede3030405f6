"""The flight graph of a built-in backbone in float16: the crop as it is, what comes behind it converted."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from onboard.crop_spec import CropSpec
from onboard.window import Window
from train.backbones.trunk import Backbone
from train.export.graph import OPSET
from train.export.written import Written
from train.fuse import merge, parts
from train.fuse.compare import images
from train.half import flight
from train.onnx_model.ports import ImagePort
from train.preprocessing import Preprocessing


class _Behind(nn.Module):
    """From the image to the logit."""

    def __init__(self, backbone: Backbone, layers: Sequence[str], head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.layers, self.head = backbone, list(layers), head

    def forward(self, image: Tensor) -> Tensor:
        vectors = self.backbone(image)
        logits: Tensor = self.head(torch.cat([vectors[name] for name in self.layers], dim=1))
        return logits


def write_half(
    path: Path,
    before: Preprocessing,
    spec: CropSpec,
    backbone: Backbone,
    layers: Sequence[str],
    head: nn.Module,
    windows: Iterable[Window],
    spread: float,
) -> Written:
    """Write the graph, in float16 behind the crop.

    Args:
        path: of the ONNX file.
        before: the crop.
        spec: its sizes.
        backbone: frozen, on the CPU.
        layers: the backbone's vectors that the head takes, in this order.
        head: folded.
        windows: of calibration images, to measure and compare on.
        spread: standard deviation of the calibration normals' logits.

    Raises:
        InputError: float16 moves a logit too far.
    """
    height, width = spec.input_hw
    port = ImagePort(parts.IMAGE, "float32", False, 1, "", 1 if spec.channels == "grey" else 3, height, width)
    crop = parts.preprocessing(before, port, spec, OPSET)
    image = torch.zeros(1, port.channels, height, width)
    behind = parts.exported(_Behind(backbone, layers, head).eval(), (image,), [parts.IMAGE], [parts.LOGIT], {}, OPSET)
    half = flight.halve(behind, parts.IMAGE, images(crop, port, windows, path), spread, path)
    onnx.save(merge.with_preprocessing(half.model, crop, port, path), str(path))
    return Written("fp16", {}, half.logit_tolerance, half.facts)
