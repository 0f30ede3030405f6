"""What of a graph depends on one stored tensor: cut out, so that only this runs again for each flip.

The tensor becomes an input of the cut-out graph. ONNX Runtime then optimises all other nodes as in flight, and a
changed array is seen by the next run without a new session.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import ModelProto, NodeProto, ValueInfoProto

from hil_tests.seu.graph import Graph
from onboard.errors import InputError
from onboard.ort_options import session_options

Arrays = dict[str, npt.NDArray[Any]]


class Suffix:
    """The nodes behind one stored tensor, and those before them.

    Args:
        graph: not changed.
        tensor: an initialiser's name.
        optimise: as in flight; without it, results can be held against the whole graph's to the last bit.

    Attributes:
        boundary: tensors that go from the one part to the other, and inputs that the suffix takes itself.
        outputs: the graph's outputs that depend on the tensor.

    Raises:
        InputError: ONNX Runtime refuses a part.
    """

    def __init__(self, graph: Graph, tensor: str, optimise: bool = True) -> None:
        self._graph, self._tensor, self._optimise = graph, tensor, optimise
        self._nodes = _behind(graph.model.graph.node, tensor)
        made = {name for node in self._nodes for name in node.output}
        taken = dict.fromkeys(name for node in self._nodes for name in node.input if name)
        self.boundary = [name for name in taken if name not in made and name not in graph.stored]
        self.outputs = [value.name for value in graph.model.graph.output if value.name in made]
        inputs = {value.name for value in graph.model.graph.input}
        self._computed = [name for name in self.boundary if name not in inputs]
        self._prefix = self._before() if self._computed else None
        self._session: onnxruntime.InferenceSession | None = None

    def cut(self, feed: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """The boundary's values for one window: computed once, whatever is flipped behind it."""
        found: Arrays = {name: feed[name] for name in self.boundary if name in feed}
        if self._prefix is not None:
            wanted = {value.name: feed[value.name] for value in self._prefix.get_inputs()}
            found |= zip(self._computed, self._prefix.run(self._computed, wanted), strict=True)
        return found

    def run(self, boundary: Arrays, values: npt.NDArray[Any]) -> Arrays:
        """The outputs for the boundary's values and the tensor's."""
        if self._session is None:
            self._session = self._behind_it(boundary, values)
        found = self._session.run(self.outputs, {**boundary, self._tensor: values})
        return dict(zip(self.outputs, found, strict=True))

    def _before(self) -> onnxruntime.InferenceSession:
        graph = self._graph.model.graph
        nodes = _leading_to(graph.node, self._computed)
        taken = {name for node in nodes for name in node.input}
        inputs = [value for value in graph.input if value.name in taken]
        return self._load(nodes, inputs, [ValueInfoProto(name=name) for name in self._computed])

    def _behind_it(self, boundary: Arrays, values: npt.NDArray[Any]) -> onnxruntime.InferenceSession:
        inputs = [self._input(name, value.dtype) for name, value in boundary.items()]
        kind = onnx.helper.np_dtype_to_tensor_dtype(values.dtype)
        inputs.append(onnx.helper.make_tensor_value_info(self._tensor, kind, list(values.shape)))
        outputs = [value for value in self._graph.model.graph.output if value.name in self.outputs]
        return self._load(self._nodes, inputs, outputs)

    def _input(self, name: str, dtype: np.dtype[Any]) -> ValueInfoProto:
        known = self._graph.values.get(name)
        if known is not None and known.type.tensor_type.elem_type:
            return known
        return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(dtype), None)

    def _load(
        self, nodes: Sequence[NodeProto], inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]
    ) -> onnxruntime.InferenceSession:
        whole, graph = self._graph.model, self._graph
        taken = {name for node in nodes for name in node.input} - {value.name for value in inputs}
        made = {name for node in nodes for name in node.output} - {value.name for value in outputs}
        part = ModelProto(ir_version=whole.ir_version, opset_import=whole.opset_import)
        part.graph.name = "part"
        part.graph.node.extend(nodes)
        part.graph.input.extend(inputs)
        part.graph.output.extend(outputs)
        part.graph.initializer.extend(tensor for name, tensor in graph.stored.items() if name in taken)
        part.graph.value_info.extend(value for name, value in graph.values.items() if name in made)
        try:
            return session(part.SerializeToString(), self._optimise)
        except Exception as error:  # ONNX Runtime's exceptions have no common base class
            raise InputError(
                f"{graph.name}: the part that depends on {self._tensor} cannot be run on its own: {error}"
            ) from error


def session(model: bytes, optimise: bool) -> onnxruntime.InferenceSession:
    """A graph on one thread; optimised as the node has it, or not at all."""
    options = session_options()
    options.log_severity_level = 4  # that a flip in a size asks for much memory is no news
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")  # packed weights are summed otherwise
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _behind(nodes: Sequence[NodeProto], tensor: str) -> list[NodeProto]:
    """All that depends on the tensor. ONNX lists nodes in an order in which they can run."""
    reached, found = {tensor}, []
    for node in nodes:
        if not reached.isdisjoint(node.input):
            found.append(node)
            reached.update(node.output)
    return found


def _leading_to(nodes: Sequence[NodeProto], wanted: Sequence[str]) -> list[NodeProto]:
    needed, found = set(wanted), []
    for node in reversed(nodes):
        if not needed.isdisjoint(node.output):
            found.append(node)
            needed.update(node.input)
    return found[::-1]
