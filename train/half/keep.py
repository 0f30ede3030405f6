"""Which nodes stay in float32: what the image's values do not reach, and what float16's range would spoil."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper

from train.half.convert import constants_of, types_of
from train.half.operators import computes_in_half
from train.onnx_model import walk
from train.onnx_model.load import opset
from train.onnx_model.running import session

LARGEST, SMALLEST = 65504.0, 2.0**-14  # float16's largest number, and its smallest with all digits
HEADROOM = 64.0  # debris lies further out than the normals that ranges are measured on; 8 times as far is 64 squared
_DIGITS = 16.0  # a tensor that is smaller throughout than this many times SMALLEST loses digits


@dataclass(frozen=True)
class Kept:
    """What stays in float32.

    Attributes:
        nodes: indices into the graph's nodes.
        by_range: names of those of them that float16's range would spoil, and why.
    """

    nodes: frozenset[int]
    by_range: dict[str, str]


def kept(model: ModelProto, image: str, feeds: Iterable[dict[str, np.ndarray]]) -> Kept:
    """Measure the graph on some images and say what stays in float32.

    Args:
        model: loaded, in float32.
        image: the name of its image input; only what is made from the image's values becomes float16, for shapes and
            boxes need float32.
        feeds: inputs of real images.
    """
    types, version = types_of(model), opset(model)
    reached = _reached(model, image)
    able = {i for i in reached if computes_in_half(model.graph.node[i], version, types)}
    floats = {
        name
        for i in able
        for name in [*model.graph.node[i].input, *model.graph.node[i].output]
        if types.get(name) == TensorProto.FLOAT
    }
    odd = _odd(model, floats, feeds)
    by_range = {}
    for i in sorted(able):
        node = model.graph.node[i]
        if reasons := [odd[name] for name in [*node.output, *node.input] if name in odd]:
            able.discard(i)
            by_range[node.name or node.output[0]] = reasons[0]
    return Kept(frozenset(set(range(len(model.graph.node))) - able), by_range)


def _reached(model: ModelProto, image: str) -> set[int]:
    """The nodes that compute with the image's values; a shape is none of them."""
    tensors, found = {image}, set()
    for i, node in enumerate(model.graph.node):
        if node.op_type not in ("Shape", "Size") and not tensors.isdisjoint(walk.needs(node)):
            found.add(i)
            tensors.update(node.output)
    return found


def _odd(model: ModelProto, names: set[str], feeds: Iterable[dict[str, np.ndarray]]) -> dict[str, str]:
    """The tensors that do not fit float16, and why."""
    constants = {name: value for name, value in constants_of(model.graph).items() if name in names}
    odd = {}
    for name, value in constants.items():
        largest = float(np.abs(value).max(initial=0.0))
        if largest > LARGEST or 0 < largest < SMALLEST:
            odd[name] = f"holds the constant {largest:.3g}"
    for name, largest in _largest(model, sorted(names - set(constants)), feeds).items():
        if not largest * HEADROOM <= LARGEST:  # also true of NaN
            odd[name] = f"values up to {largest:.3g}"
        elif 0 < largest < _DIGITS * SMALLEST:
            odd[name] = f"no value above {largest:.3g}"
    return odd


def _largest(model: ModelProto, names: Sequence[str], feeds: Iterable[dict[str, np.ndarray]]) -> dict[str, float]:
    """The largest magnitude of each tensor. Found within the graph, for all tensors at once take much memory."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    for i, name in enumerate(names):
        size, top = f"range_probe_{i}_size", f"range_probe_{i}_top"
        probe.graph.node.extend(
            [
                helper.make_node("Abs", [name], [size]),
                helper.make_node("ReduceMax", [size], [top], keepdims=0),
            ]
        )
        probe.graph.output.append(helper.make_tensor_value_info(top, TensorProto.FLOAT, []))
    running = session(probe, "the graph that measures ranges")
    found: dict[str, float] = defaultdict(float)
    for feed in feeds:
        for name, value in zip(names, running.run(None, feed), strict=True):
            found[name] = float(np.maximum(found[name], value))  # a NaN stays one
    return found
