"""Shapes and types of all tensors, for one image of a given size."""

from dataclasses import dataclass

import onnx
from onnx import ModelProto

from train.onnx_model.ports import ImagePort


@dataclass(frozen=True)
class TensorKind:
    """A tensor's type, such as `float32`, and its shape; a dimension that is not known is None."""

    dtype: str
    shape: tuple[int | None, ...]


def kinds(model: ModelProto, port: ImagePort, height: int, width: int) -> dict[str, TensorKind]:
    """Type and shape of each tensor whose shape is known, by name, for a batch of one image height x width."""
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    del bound.graph.value_info[:]  # they may hold the open batch's name
    for value in bound.graph.output:
        value.type.tensor_type.ClearField("shape")
    sizes = (1, height, width, port.channels) if port.channels_last else (1, port.channels, height, width)
    for dimension, size in zip(bound.graph.input[0].type.tensor_type.shape.dim, sizes, strict=True):
        dimension.dim_value = size
    graph = onnx.shape_inference.infer_shapes(bound, data_prop=True).graph
    found = {}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        kind = value.type.tensor_type
        if kind.HasField("shape"):
            shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
            found[value.name] = TensorKind(str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)), shape)
    return found
