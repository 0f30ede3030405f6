"""Where clamps stand: behind convolutions, linear layers and sums, where ONNX Runtime still fuses them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto

from calibration.graph import flight

_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "BatchNormalization", "LeakyRelu")
# Runtimes fuse these with the layer before: a clamp in between would stop that, and the one behind serves both.
_JOINED = ("Add", "BatchNormalization", "LeakyRelu")


@dataclass(frozen=True)
class Place:
    """One clamp.

    Attributes:
        tensor: that is clamped; it keeps its name.
        layer: the node whose output it is, or stands before the limiter.
        limiter: `Relu` or `Clip`, which becomes the clamp; None: one is added.
        limits: of the limiter.
        is_sum: of two computed tensors. ONNX Runtime adds maps within the convolution before; a Clip there stops this,
            costs time and moves the last bit of what comes after.
        is_pool: mean over a map, so that its range is the map's.
    """

    tensor: str
    layer: str
    limiter: str | None
    limits: tuple[float, float] = (-math.inf, math.inf)
    is_sum: bool = False
    is_pool: bool = False


def find(model: ModelProto) -> list[Place]:
    """The places of a graph, in its order; the crop has none."""
    graph, types = model.graph, flight.element_types(model)
    taken, fixed = flight.consumers(graph), flight.constants(graph)
    layers = {
        node.output[0]: node
        for node in flight.behind_crop(graph)
        if (node.op_type in _LAYERS or _is_pool(node, fixed)) and types.get(node.output[0]) == TensorProto.FLOAT
    }
    found = []
    for tensor, node in layers.items():
        following = taken[tensor][0] if len(taken[tensor]) == 1 else None
        if following is not None and following.op_type in _JOINED and following.output[0] in layers:
            continue
        is_sum = node.op_type == "Add" and not any(name in fixed for name in node.input)
        if following is not None and _is_limiter(following, tensor, fixed):
            # A Clip behind a sum is not fused either way, so that it may as well be tighter.
            is_sum = is_sum and following.op_type != "Clip"
            limits = _limits(following, fixed)
            found.append(Place(following.output[0], flight.label(node), following.op_type, limits, is_sum))
        else:
            found.append(Place(tensor, flight.label(node), None, is_sum=is_sum, is_pool=_is_pool(node, fixed)))
    return found


def _is_limiter(node: NodeProto, tensor: str, fixed: Mapping[str, Any]) -> bool:
    bounds = [name for name in node.input[1:] if name]
    return node.op_type in ("Relu", "Clip") and node.input[0] == tensor and all(name in fixed for name in bounds)


def _limits(node: NodeProto, fixed: Mapping[str, Any]) -> tuple[float, float]:
    if node.op_type == "Relu":
        return 0.0, math.inf
    low, high = [*node.input[1:], "", ""][:2]
    return (float(fixed[low].item()) if low else -math.inf), (float(fixed[high].item()) if high else math.inf)


def _is_pool(node: NodeProto, fixed: Mapping[str, Any]) -> bool:
    if node.op_type == "GlobalAveragePool":
        return True
    axes = next((list(attribute.ints) for attribute in node.attribute if attribute.name == "axes"), None)
    if axes is None and len(node.input) > 1 and node.input[1] in fixed:
        axes = fixed[node.input[1]].reshape(-1).tolist()
    return node.op_type == "ReduceMean" and axes is not None and sorted(axes) in ([2, 3], [-2, -1])
