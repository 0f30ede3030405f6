"""What a graph's tensors are made from."""

import hashlib
from collections.abc import Sequence

import onnx
from onnx import GraphProto, ModelProto, NodeProto, numpy_helper


def needs(node: NodeProto) -> list[str]:
    """Names of the tensors that a node takes, also those that the bodies of If, Loop and Scan take from outside."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for body in [attribute.g, *attribute.graphs]:
            own = {tensor.name for tensor in [*body.initializer, *body.input]}
            own |= {name for inner in body.node for name in inner.output}
            taken = [name for inner in body.node for name in needs(inner)] + [value.name for value in body.output]
            names += [name for name in taken if name not in own]
    return names


def ancestors(graph: GraphProto, tensors: Sequence[str]) -> list[int]:
    """Indices of the nodes that the tensors are made by, ascending."""
    wanted, found = set(tensors), []
    for index in range(len(graph.node) - 1, -1, -1):  # a graph's nodes stand in topological order
        if wanted.intersection(graph.node[index].output):
            found.append(index)
            wanted.update(needs(graph.node[index]))
    return found[::-1]


def prefix(model: ModelProto, taps: Sequence[str]) -> ModelProto:
    """The part of a model that the taps need, with the taps as its outputs (of no stated type)."""
    graph = model.graph
    kept = [graph.node[index] for index in ancestors(graph, taps)]
    used = {name for node in kept for name in needs(node)} | set(taps)
    part = onnx.helper.make_graph(
        kept,
        "prefix",
        [value for value in graph.input if value.name in used],
        [onnx.ValueInfoProto(name=tap) for tap in taps],
        [tensor for tensor in graph.initializer if tensor.name in used],
    )
    part.sparse_initializer.extend(t for t in graph.sparse_initializer if t.values.name in used)
    cut = onnx.helper.make_model(part, opset_imports=list(model.opset_import))
    cut.ir_version = model.ir_version
    return cut


def digest(model: ModelProto) -> str:
    """SHA-256 over operators, their wiring, attributes and weights; names and the way of storing weights do not matter.

    Two files with the same digest compute the same.
    """
    total, numbers = hashlib.sha256(), {"": 0}

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers))

    graph = model.graph
    total.update(f"opset {model.opset_import[0].version};".encode())
    for value in graph.input:
        total.update(f"input {number(value.name)} {value.type.tensor_type.elem_type};".encode())
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        for name in needs(node):
            if name in weights and name not in numbers:
                values = numpy_helper.to_array(weights[name])
                total.update(f"weight {number(name)} {values.dtype} {values.shape};".encode())
                total.update(values.tobytes())
        wiring = [[number(name) for name in names] for names in (node.input, node.output)]
        total.update(f"{node.op_type} {wiring};".encode())
        for attribute in sorted(node.attribute, key=lambda a: a.name):
            total.update(attribute.SerializeToString(deterministic=True))
    total.update(f"outputs {[number(value.name) for value in graph.output]}".encode())
    return total.hexdigest()
