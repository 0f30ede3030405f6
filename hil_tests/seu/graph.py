"""The flight graph as data: its stored values, and which of them can be flipped."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

from hil_tests.seu.words import WORDS
from onboard.bundle import Bundle
from onboard.errors import InputError

_PASSED_ON = ("DequantizeLinear", "QuantizeLinear", "Cast", "Identity")


@dataclass(frozen=True)
class Target:
    """A stored tensor whose bits can be flipped.

    Attributes:
        tensor: its name.
        layer: the node that computes with it.
        size: how many numbers it holds.
        width: bits of one number.
    """

    tensor: str
    layer: str
    size: int
    width: int


class Graph:
    """A bundle's graph with its constants as initialisers, which is the same to ONNX Runtime.

    Args:
        bundle: checked.

    Attributes:
        name: what an error calls it.
        model: with constants lifted.
        stored: initialisers by name.
        values: what is known of types and shapes, by tensor.

    Raises:
        InputError: it is no ONNX graph, or holds control flow.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.name = str(bundle.folder / bundle.manifest.model)
        try:
            self.model = onnx.load_from_string(bundle.contents[bundle.manifest.model])
        except Exception as error:  # protobuf's and onnx's exceptions have no common base class
            raise InputError(f"{self.name}: not an ONNX graph ({error}); export the bundle again") from error
        for node in self.model.graph.node:
            if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
                raise InputError(
                    f"{self.name}: node {label(node)} is an {node.op_type} with a graph of its own, which the campaign "
                    "cannot cut; export the network without control flow"
                )
        _lift_constants(self.model)
        graph = onnx.shape_inference.infer_shapes(self.model).graph
        self.stored: dict[str, TensorProto] = {tensor.name: tensor for tensor in self.model.graph.initializer}
        self.values: dict[str, ValueInfoProto] = {
            value.name: value for value in (*graph.input, *graph.value_info, *graph.output)
        }

    def array(self, tensor: str) -> npt.NDArray[np.generic]:
        """A stored tensor's values, the caller's own."""
        return np.array(numpy_helper.to_array(self.stored[tensor]), order="C")

    def targets(self) -> list[Target]:
        """Everything stored in a number format of the network: not shapes and axes, which are int64."""
        found = []
        for name, tensor in self.stored.items():
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            size = int(np.prod(tensor.dims, dtype=np.int64))
            if dtype in WORDS and size and (layer := self._layer(name)) is not None:
                found.append(Target(name, layer, size, 8 * dtype.itemsize))
        return found

    def with_value(self, tensor: str, values: npt.NDArray[np.generic]) -> bytes:
        """The model file with other values in one tensor."""
        stored, before = self.stored[tensor], TensorProto()
        before.CopyFrom(stored)
        stored.CopyFrom(numpy_helper.from_array(values, tensor))
        try:
            return bytes(self.model.SerializeToString())
        finally:
            stored.CopyFrom(before)

    def _layer(self, tensor: str) -> str | None:
        """The node that takes it, behind casts and dequantisation; None: nothing takes it."""
        for node in self._consumers(tensor):
            if node.op_type not in _PASSED_ON:
                return label(node)
            return self._layer(node.output[0]) or label(node)
        return None

    def _consumers(self, tensor: str) -> Iterator[NodeProto]:
        return (node for node in self.model.graph.node if tensor in node.input)


def label(node: NodeProto) -> str:
    """What people know a node by."""
    return str(node.name or node.output[0])


def _lift_constants(model: ModelProto) -> None:
    lifted = [n for n in model.graph.node if n.op_type == "Constant" and n.attribute[0].name == "value"]
    for node in lifted:
        tensor = TensorProto.FromString(node.attribute[0].t.SerializeToString())
        tensor.name = node.output[0]
        model.graph.initializer.append(tensor)
        model.graph.node.remove(node)
