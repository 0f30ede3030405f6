"""Which nodes may become int8."""

import onnx
from onnx import ModelProto, TensorProto

from calibration.graph import flight

QUANTISED = ("Conv", "Gemm", "MatMul", "Add")
_WEIGHTED = ("Conv", "Gemm", "MatMul", "ConvTranspose")


def named(model: ModelProto) -> ModelProto:
    """A copy that the quantiser takes: every node has a name of its own, and ONNX's operators are imported once."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    others = [entry for entry in model.opset_import if entry.domain not in ("", "ai.onnx")]
    del made.opset_import[:]
    made.opset_import.extend([onnx.helper.make_opsetid("", flight.opset(model)), *others])
    taken: set[str] = set()
    for number, node in enumerate(made.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{number}"
        taken.add(node.name)
    return made


def candidates(model: ModelProto) -> list[str]:
    """Names of the nodes that may become int8, in the order of the graph.

    Convolutions and linear layers with weights of their own, and sums of two computed tensors. Not the crop, whose
    pixels need more than 8 bits; not poolings; and not the last layers before an output, or what follows on them.
    """
    graph, types = model.graph, flight.element_types(model)
    weights = {tensor.name for tensor in graph.initializer}
    fixed, last = flight.constants(graph), last_layers(model)
    found = []
    for node in flight.behind_crop(graph):
        if node.op_type not in QUANTISED or node.name in last or types.get(node.output[0]) != TensorProto.FLOAT:
            continue
        is_sum = node.op_type == "Add" and not any(name in fixed for name in node.input)
        if is_sum or (node.op_type != "Add" and node.input[1] in weights):
            found.append(node.name)
    return found


def last_layers(model: ModelProto) -> set[str]:
    """Names of the nodes from which an output is reached without another layer with weights, such a layer included."""
    open_tensors, found = {value.name for value in model.graph.output}, set()
    for node in reversed(model.graph.node):  # a graph's nodes stand in topological order
        if open_tensors.isdisjoint(node.output):
            continue
        found.add(node.name)
        if node.op_type not in _WEIGHTED:
            open_tensors.update(node.input)
    return found
