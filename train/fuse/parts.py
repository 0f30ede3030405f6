"""What is put before and behind the pose network: preprocessing and head, as ONNX models of their own."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch
from onnx import ModelProto
from torch import Tensor, nn

from onboard.crop_spec import CropSpec
from train.backbones.onnx_prefix import vectors
from train.box_pool import BoxPool
from train.onnx_model.ports import ImagePort
from train.onnx_model.shapes import TensorKind
from train.preprocessing import Preprocessing

LOGIT, IMAGE, BOX = "debris_logit", "image", "debris_box"


class Feed(nn.Module):
    """The crop, or the whole frame, in the pose network's own type and layout."""

    def __init__(self, crop: Preprocessing, port: ImagePort) -> None:
        super().__init__()
        self.crop, self.port = crop, port

    def forward(self, window: Tensor, box: Tensor) -> tuple[Tensor, ...]:
        """The image, 1 x C x H x W or 1 x H x W x C, of a window uint8 1 x h x w x 3 and a box float32 1 x 4.

        Of a whole frame also the box in the image's pixels, 1 x 4.
        """
        made = self.crop(window, box)
        image, *inside = made if isinstance(made, tuple) else (made,)
        if self.port.channels_last:
            image = image.permute(0, 2, 3, 1)
        return image.half() if self.port.dtype == "float16" else image, *inside


class TapHead(nn.Module):
    """From the tapped tensors, and the box where they are pooled over it, to the logit."""

    def __init__(
        self, names: Sequence[str], layers: Sequence[str], head: nn.Module, pool: BoxPool | None = None
    ) -> None:
        super().__init__()
        self.names, self.layers, self.head, self.pool = list(names), list(layers), head, pool

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits, B x 1. Features and head are computed in float32, whatever the network's type.

        Args:
            inputs: the tapped tensors; then, with a pool, the box, B x 4 in pixels of the network's input.
        """
        tapped, box = (inputs, None) if self.pool is None else (inputs[:-1], inputs[-1])
        found = vectors(self.names, [tensor.float() for tensor in tapped], self.pool, box)
        logits: Tensor = self.head(torch.cat([found[name] for name in self.layers], dim=1))
        return logits


def preprocessing(before: Preprocessing, port: ImagePort, spec: CropSpec, opset: int) -> ModelProto:
    """Inputs `window` and `box`, output `image`; of a whole frame also `debris_box`, the box in the image's pixels."""
    height, width = spec.window_shapes[0]
    box = torch.tensor([[width / 4, height / 4, 3 * width / 4, 3 * height / 4]])
    example = (torch.zeros(1, height, width, 3, dtype=torch.uint8), box)
    feed = Feed(before, port).eval()
    with torch.inference_mode():
        shapes = [made.shape for made in feed(*example)]
    axes = {} if spec.whole else {"window": {1: "height", 2: "width"}}
    model = exported(feed, example, ["window", "box"], [IMAGE, BOX][: len(shapes)], axes, opset)
    # Where the window's size is open, the exporter's shape inference loses the output's shape.
    for value, shape in zip(model.graph.output, shapes, strict=True):
        for dimension, size in zip(value.type.tensor_type.shape.dim, shape, strict=True):
            dimension.dim_value = size
    return model


def head(module: TapHead, taps: Sequence[TensorKind], batch: str | None, opset: int) -> ModelProto:
    """Inputs `tap_0`, `tap_1` and so on, and `box` where they are pooled over it; output `debris_logit`.

    Args:
        module: with what flies of the head.
        taps: types and shapes of the tapped tensors.
        batch: the open batch's name, or None for a batch of one.
        opset: to write.
    """
    kinds = {"float32": torch.float32, "float16": torch.float16}
    example = tuple(torch.zeros([int(n or 0) for n in tap.shape], dtype=kinds[tap.dtype]) for tap in taps)
    names = [f"tap_{index}" for index in range(len(taps))]
    if module.pool is not None:
        height, width = module.pool.input_hw
        names, example = [*names, "box"], (*example, torch.tensor([[0.0, 0.0, width, height]]))
    axes = {name: {0: batch} for name in [*names, LOGIT]} if batch else {}
    return exported(module.eval(), example, names, [LOGIT], axes, opset)


def exported(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
    opset: int,
) -> ModelProto:
    """A module as an ONNX model, by the tracing exporter.

    Args:
        module: in evaluation mode.
        example: its inputs.
        inputs: their names.
        outputs: its outputs' names.
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
            output_names=list(outputs),
            dynamic_axes=axes,
        )
    return onnx.load_from_string(file.getvalue())
