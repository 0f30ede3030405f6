"""What is put before and behind the pose network: preprocessing and head, as ONNX models of their own."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch
from onnx import ModelProto
from torch import Tensor, nn

from train.backbones.onnx_prefix import vectors
from train.crop import Crop
from train.onnx_model.ports import ImagePort
from train.onnx_model.shapes import TensorKind

LOGIT, IMAGE = "debris_logit", "image"


class Feed(nn.Module):
    """The crop in the pose network's own type and layout."""

    def __init__(self, crop: Crop, port: ImagePort) -> None:
        super().__init__()
        self.crop, self.port = crop, port

    def forward(self, window: Tensor, box: Tensor) -> Tensor:
        """The image, 1 x C x H x W or 1 x H x W x C, of a window uint8 1 x h x w x 3 and a box float32 1 x 4."""
        image: Tensor = self.crop(window, box)
        if self.port.channels_last:
            image = image.permute(0, 2, 3, 1)
        return image.half() if self.port.dtype == "float16" else image


class TapHead(nn.Module):
    """From the tapped tensors to the logit."""

    def __init__(self, names: Sequence[str], layers: Sequence[str], head: nn.Module) -> None:
        super().__init__()
        self.names, self.layers, self.head = list(names), list(layers), head

    def forward(self, *tapped: Tensor) -> Tensor:
        """Logits, B x 1. Features and head are computed in float32, whatever the network's type."""
        found = vectors(self.names, [tensor.float() for tensor in tapped])
        logits: Tensor = self.head(torch.cat([found[name] for name in self.layers], dim=1))
        return logits


def preprocessing(crop: Crop, port: ImagePort, window_px: int, opset: int) -> ModelProto:
    """Inputs `window` and `box`, output `image`."""
    quarter = window_px / 4
    box = torch.tensor([[quarter, quarter, 3 * quarter, 3 * quarter]])
    example = (torch.zeros(1, window_px, window_px, 3, dtype=torch.uint8), box)
    feed = Feed(crop, port).eval()
    with torch.inference_mode():
        shape = feed(*example).shape
    model = exported(feed, example, ["window", "box"], IMAGE, {"window": {1: "height", 2: "width"}}, opset)
    # Where the window's size is open, the exporter's shape inference loses the output's shape.
    dims = model.graph.output[0].type.tensor_type.shape.dim
    for dimension, size in zip(dims, shape, strict=True):
        dimension.dim_value = size
    return model


def head(module: TapHead, taps: Sequence[TensorKind], batch: str | None, opset: int) -> ModelProto:
    """Inputs `tap_0`, `tap_1` and so on, output `debris_logit`.

    Args:
        module: with what flies of the head.
        taps: types and shapes of the tapped tensors.
        batch: the open batch's name, or None for a batch of one.
        opset: to write.
    """
    kinds = {"float32": torch.float32, "float16": torch.float16}
    example = tuple(torch.zeros([int(n or 0) for n in tap.shape], dtype=kinds[tap.dtype]) for tap in taps)
    names = [f"tap_{index}" for index in range(len(taps))]
    axes = {name: {0: batch} for name in [*names, LOGIT]} if batch else {}
    return exported(module.eval(), example, names, LOGIT, axes, opset)


def exported(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: Sequence[str],
    output: str,
    axes: Mapping[str, Mapping[int, str]],
    opset: int,
) -> ModelProto:
    """A module as an ONNX model, by the tracing exporter.

    Args:
        module: in evaluation mode, with one output.
        example: its inputs.
        inputs: their names.
        output: its output's name.
        axes: open dimensions, by tensor.
        opset: to write.
    """
    file: Any = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # notes on tracing are about the window's size, which is meant
        torch.onnx.export(
            module,
            example,
            file,
            dynamo=False,
            opset_version=opset,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes=axes,
        )
    return onnx.load_from_string(file.getvalue())
