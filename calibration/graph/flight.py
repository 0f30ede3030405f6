"""A bundle's graph: loaded, checked, and how its nodes hang together."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

from onboard.bundle import Bundle
from onboard.errors import InputError

_SHAPES = ("Shape", "Size")
LEAST_OPSET = 13  # per-channel DequantizeLinear; Clip takes its limits as inputs from 11


def load(bundle: Bundle) -> ModelProto:
    """The graph.

    Raises:
        InputError: it is no ONNX graph, its opset is too old, or it holds control flow.
    """
    name = bundle.folder / bundle.manifest.model
    try:
        model = onnx.load_from_string(bundle.contents[bundle.manifest.model])
    except Exception as error:  # protobuf's and onnx's exceptions have no common base class
        raise InputError(f"{name}: not an ONNX graph ({error}); export the bundle again") from error
    version = opset(model)
    if version < LEAST_OPSET:
        raise InputError(
            f"{name}: opset {version} is too old, at least {LEAST_OPSET} is needed; convert the pose network with "
            "onnx.version_converter, and fuse again"
        )
    for node in model.graph.node:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise InputError(
                f"{name}: node {label(node)} is an {node.op_type} with a graph of its own, which cannot be changed here"
            )
    return model


def opset(model: ModelProto) -> int:
    """The version of ONNX's own operators."""
    return int(max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0))


def label(node: NodeProto) -> str:
    """What people know a node by."""
    return node.name or node.output[0]


def element_types(model: ModelProto) -> dict[str, int]:
    """ONNX element types of the tensors, by name, where inference can tell."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    return {v.name: v.type.tensor_type.elem_type for v in values} | {t.name: t.data_type for t in graph.initializer}


def constants(graph: GraphProto) -> dict[str, npt.NDArray[np.generic]]:
    """Values of initializers and Constant nodes, by tensor."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def consumers(graph: GraphProto) -> dict[str, list[NodeProto]]:
    """The nodes that take each tensor; a graph output counts for one of its own."""
    found: dict[str, list[NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in dict.fromkeys(node.input):
            found[name].append(node)
    for value in graph.output:
        found[value.name].append(NodeProto(op_type="Output", input=[value.name]))
    return found


def behind_crop(graph: GraphProto) -> list[NodeProto]:
    """The nodes that compute with the network's features: convolutions, and all that comes of them but shapes.

    The crop resizes with matrix products and holds no convolution.
    """
    reached: set[str] = set()
    found = []
    for node in graph.node:
        if node.op_type in _SHAPES or (node.op_type != "Conv" and reached.isdisjoint(node.input)):
            continue
        found.append(node)
        reached.update(node.output)
    return found


def replace_nodes(model: ModelProto, nodes: Sequence[NodeProto]) -> None:
    """Give a graph other nodes; constants that none of them takes are removed.

    Stated shapes stay: where the crop's are open, ONNX Runtime lays out what follows by them, a tenth faster.
    """
    made = {name for node in nodes for name in node.output}
    used = {name for node in nodes for name in node.input} | {value.name for value in model.graph.output}
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    tensors = [TensorProto.FromString(t.SerializeToString()) for t in model.graph.initializer if t.name in used]
    shapes = [ValueInfoProto.FromString(v.SerializeToString()) for v in model.graph.value_info if v.name in made]
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    model.graph.node.extend(node for node in copies if node.op_type != "Constant" or node.output[0] in used)
    model.graph.initializer.extend(tensors)
    model.graph.value_info.extend(shapes)
