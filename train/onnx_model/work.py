"""Multiply-adds of a graph's convolutions and matrix products."""

import math
from collections.abc import Mapping

from onnx import GraphProto, NodeProto

from train.onnx_model.shapes import TensorKind


def multiply_adds(graph: GraphProto, kinds: Mapping[str, TensorKind]) -> list[int]:
    """Of each node; 0 for operators that have (nearly) none, and where a shape is not known."""
    shapes = {name: kind.shape for name, kind in kinds.items()}
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    return [_of(node, shapes) for node in graph.node]


def _of(node: NodeProto, shapes: Mapping[str, tuple[int | None, ...]]) -> int:
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    known = [shapes.get(name, (None,)) for name in [*node.input[:2], node.output[0]]]
    if any(size is None for shape in known for size in shape):
        return 0
    first, second, out = ([int(size or 0) for size in shape] for shape in known)
    if node.op_type == "Conv":  # the kernel is out x in/group x h x w
        return math.prod(out) * math.prod(second[1:])
    if node.op_type == "ConvTranspose":  # the kernel is in x out/group x h x w
        return math.prod(first) * math.prod(second[1:])
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return math.prod(out) * first[0 if transposed else -1]
