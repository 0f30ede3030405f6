"""The conversion, and a float32 graph that rounds where the converted one does.

ONNX Runtime's own converter is not used: between any two nodes that it is told to keep in float32 it rounds to float16
and back, a graph input that only such nodes take as well, and a constant that a kept and a converted node share.
"""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from train.half.operators import half_inputs
from train.onnx_model import walk
from train.onnx_model.load import opset


def convert(model: ModelProto, kept: Collection[int]) -> ModelProto:
    """The graph in float16; inputs and outputs keep their names and types.

    Args:
        model: loaded; not changed.
        kept: indices of the nodes that stay in float32.
    """
    return _Writer(model, kept, emulate=False).written()


def rounded(model: ModelProto, kept: Collection[int]) -> ModelProto:
    """The same in float32, rounded to float16 at each place where the converted graph holds a float16 tensor.

    On the CPU, ONNX Runtime computes a float16 graph in float32 without rounding in between; a GPU does round.
    """
    return _Writer(model, kept, emulate=True).written()


def types_of(model: ModelProto) -> dict[str, int]:
    """Element types of all tensors, by name."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    return {v.name: v.type.tensor_type.elem_type for v in values} | {t.name: t.data_type for t in graph.initializer}


def constants_of(graph: GraphProto) -> dict[str, npt.NDArray[np.float32]]:
    """Float32 initializers and Constant nodes, by their tensor's name."""
    found = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = node.attribute[0].t
    return {name: numpy_helper.to_array(t) for name, t in found.items() if t.data_type == TensorProto.FLOAT}


class _Writer:
    """Copies the nodes in their order; a Cast stands right before the first node that needs it."""

    def __init__(self, model: ModelProto, kept: Collection[int], emulate: bool) -> None:
        self.model, self.kept, self.emulate, self.opset = model, kept, emulate, opset(model)
        self.types, self.constants = types_of(model), constants_of(model.graph)
        self.names = set(self.types) | {name for node in model.graph.node for name in [*node.input, *node.output]}
        self.nodes: list[NodeProto] = []
        self.halves: list[TensorProto] = []
        self.in_half: dict[str, str] = {}
        self.in_full: dict[str, str] = {}
        # Outputs keep their type under their name; so does what the body of an If or Loop takes from outside.
        bodies = {name for node in model.graph.node for name in set(walk.needs(node)) - set(node.input)}
        self.fixed = {value.name for value in model.graph.output} | bodies

    def written(self) -> ModelProto:
        for index, node in enumerate(self.model.graph.node):
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            if index in self.kept or node.op_type == "Constant":
                if node.op_type not in ("Shape", "Size"):  # these take any type
                    copy.input[:] = [self._full(name) for name in node.input]
                self.nodes.append(copy)
            else:
                self._halved(copy)
        made = onnx.ModelProto()
        made.CopyFrom(self.model)
        del made.graph.value_info[:]
        used = {name for node in self.nodes for name in walk.needs(node)} | {v.name for v in made.graph.output}
        initializers = [*(t for t in made.graph.initializer if t.name in used), *self.halves]
        del made.graph.initializer[:], made.graph.node[:]
        made.graph.initializer.extend(initializers)
        made.graph.node.extend(n for n in self.nodes if n.op_type != "Constant" or n.output[0] in used)
        return made

    def _halved(self, node: NodeProto) -> None:
        taken = half_inputs(node, self.opset)
        node.input[:] = [self._half(n) if i in taken else self._full(n) for i, n in enumerate(node.input)]
        if node.op_type == "Cast" and not self.emulate:
            to = next(attribute for attribute in node.attribute if attribute.name == "to")
            to.i = TensorProto.FLOAT16 if to.i == TensorProto.FLOAT else to.i
        self.nodes.append(node)
        for i, name in enumerate(node.output):
            if self.types.get(name) != TensorProto.FLOAT:
                continue
            if self.emulate:
                node.output[i] = self._new(name, "raw")
                self._round(node.output[i], name)
                self.in_half[name] = name
            elif name in self.fixed:
                node.output[i] = self.in_half[name] = self._new(name, "half")
                self._cast(node.output[i], name, TensorProto.FLOAT)
            else:
                self.in_half[name] = name
                self.in_full[name] = ""  # not there before somebody asks

    def _half(self, name: str) -> str:
        """The tensor's name in float16."""
        if self.types.get(name) != TensorProto.FLOAT or name in self.in_half:
            return self.in_half.get(name, name)
        half = self.in_half[name] = self._new(name, "half")
        if name in self.constants:
            value = self.constants[name].astype(np.float16)
            self.halves.append(numpy_helper.from_array(value.astype(np.float32) if self.emulate else value, half))
        elif self.emulate:
            self._round(name, half)
        else:
            self._cast(name, half, TensorProto.FLOAT16)
        return half

    def _full(self, name: str) -> str:
        """The tensor's name in float32."""
        if self.in_full.get(name) == "":
            self.in_full[name] = self._new(name, "full")
            self._cast(self.in_half[name], self.in_full[name], TensorProto.FLOAT)
        return self.in_full.get(name, name)

    def _round(self, source: str, target: str) -> None:
        half = self._new(target, "rounded")
        self._cast(source, half, TensorProto.FLOAT16)
        self._cast(half, target, TensorProto.FLOAT)

    def _cast(self, source: str, target: str, to: int) -> None:
        self.nodes.append(helper.make_node("Cast", [source], [target], name=self._new(target, "cast"), to=to))

    def _new(self, name: str, suffix: str) -> str:
        """A name that nothing has yet."""
        new = f"{name}_{suffix}"
        while new in self.names:
            new += "_"
        self.names.add(new)
        return new
