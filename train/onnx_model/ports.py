"""The one image that a pose network takes."""

from dataclasses import dataclass
from pathlib import Path

from onnx import ModelProto, TensorProto

from onboard.errors import InputError

_TYPES = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16"}


@dataclass(frozen=True)
class ImagePort:
    """A network's image input.

    Attributes:
        name: of the tensor.
        dtype: `float32` or `float16`.
        channels_last: B x H x W x C, as Keras has it; else B x C x H x W.
        batch: fixed at this number (1), or None where it is open.
        symbol: the open batch's name in the file; empty where it has none.
        channels: 1 or 3.
        height: in pixels, or None where it is open.
        width: likewise.
    """

    name: str
    dtype: str
    channels_last: bool
    batch: int | None
    symbol: str
    channels: int
    height: int | None
    width: int | None


def image_port(model: ModelProto, path: Path) -> ImagePort:
    """What the network takes.

    Raises:
        InputError: it has not exactly one input, or this is no float image of 1 or 3 channels with batch 1 or open.
    """
    inputs = list(model.graph.input)
    if len(inputs) != 1:
        raise InputError(
            f"{path}: has {len(inputs)} inputs ({', '.join(value.name for value in inputs)}); "
            "a network with one input, the image, is needed: export it with the others held constant"
        )
    value = inputs[0]
    kind = value.type.tensor_type
    dims = [d.dim_value or None for d in kind.shape.dim]
    if kind.elem_type not in _TYPES or len(dims) != 4:
        raise InputError(
            f"{path}: its input '{value.name}' is no float image [batch, channels, height, width]; export the network "
            "without preprocessing in its graph, with float32 or float16 input"
        )
    channels_last = dims[1] not in (1, 3) and dims[3] in (1, 3)
    channels, height, width = (dims[3], dims[1], dims[2]) if channels_last else (dims[1], dims[2], dims[3])
    if channels not in (1, 3):
        raise InputError(f"{path}: its input '{value.name}' has {channels} channels; 1 (grey) or 3 are needed")
    if dims[0] not in (None, 1):
        raise InputError(
            f"{path}: its batch is fixed at {dims[0]}; export it again with batch 1, or with a dynamic batch"
        )
    return ImagePort(
        value.name,
        _TYPES[kind.elem_type],
        channels_last,
        dims[0],
        kind.shape.dim[0].dim_param,
        channels,
        height,
        width,
    )
