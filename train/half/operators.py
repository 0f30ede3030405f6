"""Which operators compute in float16, and which of their inputs may."""

from collections.abc import Sequence

import onnx
from onnx import NodeProto, TensorProto

HALF = "tensor(float16)"
# Coordinates, sums over many elements and quantised values: they need float32's digits or range.
_FULL = {"RoiAlign", "NonMaxSuppression", "Range", "CumSum", "QuantizeLinear", "DequantizeLinear"}
# Scales and places of pixels.
_FULL_INPUTS = {"Resize": {1, 2, 3}, "GridSample": {1}}


def half_inputs(node: NodeProto, opset: int) -> set[int]:
    """Indices of the inputs that may be float16."""
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    full = _FULL_INPUTS.get(node.op_type, set())
    return {i for i in range(len(node.input)) if i not in full and HALF in allowed.get(_kind(schema.inputs, i), [])}


def computes_in_half(node: NodeProto, opset: int, types: dict[str, int]) -> bool:
    """Whether a node whose float32 inputs become float16 gives float16 outputs by ONNX's own rules.

    Args:
        node: of ONNX's own operators.
        opset: of the graph.
        types: element types of the tensors, by name.
    """
    if node.op_type in _FULL or any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        return False
    taken = [i for i in half_inputs(node, opset) if types.get(node.input[i]) == TensorProto.FLOAT]
    if node.op_type == "Cast":
        return True
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    bound = {_kind(schema.inputs, i) for i in taken}
    given = [i for i, name in enumerate(node.output) if types.get(name) == TensorProto.FLOAT]
    return bool(taken) and all(_kind(schema.outputs, i) in bound for i in given)


def _kind(formals: Sequence[onnx.defs.OpSchema.FormalParameter], index: int) -> str:
    """The type variable of an input or output; the last formal one stands for all that follow."""
    return str(formals[min(index, len(formals) - 1)].type_str)
