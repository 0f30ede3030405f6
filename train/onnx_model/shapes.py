"""Shapes and types of all tensors, for one image of a given size."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import ModelProto

from train.onnx_model.ports import ImagePort
from train.onnx_model.running import session


@dataclass(frozen=True)
class TensorKind:
    """A tensor's type, such as `float32`, and its shape; a dimension that is not known is None."""

    dtype: str
    shape: tuple[int | None, ...]


def kinds(model: ModelProto, port: ImagePort, height: int, width: int) -> dict[str, TensorKind]:
    """Type and shape of each tensor, by name, for a batch of one image height x width.

    Raises:
        InputError: ONNX Runtime, which is asked where inference leaves a shape open, refuses the network.
    """
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
    return found | _measured(bound, port, sizes, found)


def _measured(
    bound: ModelProto, port: ImagePort, sizes: tuple[int, ...], known: dict[str, TensorKind]
) -> dict[str, TensorKind]:
    """The kinds of the tensors that inference leaves open (padding computed from a shape does it): by running once."""
    made = [name for node in bound.graph.node for name in node.output if name]
    wanted = [name for name in made if name not in known or None in known[name].shape]
    if not wanted:
        return {}
    there = {value.name for value in bound.graph.output}
    bound.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in there)
    values = session(bound, "the network").run(wanted, {port.name: np.zeros(sizes, port.dtype)})
    pairs = zip(wanted, values, strict=True)
    return {name: TensorKind(str(v.dtype), tuple(v.shape)) for name, v in pairs if isinstance(v, np.ndarray)}
