"""The bounded graph with an output for each clamp: whether what came to it lay outside its limits."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper

from onboard.bounds import ActivationBounds, Bound
from onboard.bundle import Bundle

_TOLD = "_clamp_told"


def telling(bundle: Bundle) -> Bundle:
    """The bundle with such outputs, for a campaign: runtimes do not fuse such clamps, and nothing flies it.

    Args:
        bundle: has clamps.
    """
    bounds, name = bundle.manifest.bounds, bundle.manifest.model
    assert bounds is not None
    model = onnx.load_from_string(bundle.contents[name])
    for clamp in [node for node in model.graph.node if node.op_type == "Clip" and node.output[0] in bounds.bounds]:
        _tell(model, clamp, _is_limit(bounds.bounds[clamp.output[0]], bounds))
    return dataclasses.replace(bundle, contents={**bundle.contents, name: model.SerializeToString()})


def told(outputs: Mapping[str, npt.NDArray[Any]]) -> set[str]:
    """The clamps that what came to them lay outside of."""
    return {name for name, value in outputs.items() if name.endswith(_TOLD) and bool(value)}


def _is_limit(bound: Bound, facts: ActivationBounds) -> tuple[bool, bool]:
    """Whether the lower and the upper end come from normal frames; those of a Relu or a Clip are met all the time."""
    if bound.instead_of is None:
        return True, True
    bottom, top = min(bound.seen[0], 0.0), max(bound.seen[1], 0.0)
    widened = [top + margin * (top - bottom) for margin in (facts.margin, facts.vector_margin) if margin]
    return False, bound.instead_of == "Relu" or any(math.isclose(bound.clamp[1], each) for each in widened)


def _tell(model: ModelProto, clamp: NodeProto, is_limit: tuple[bool, bool]) -> None:
    source, tensor, said = clamp.input[0], clamp.output[0], []
    ends = (("ReduceMin", "Less", clamp.input[1]), ("ReduceMax", "Greater", clamp.input[2]))
    for (reduce, compare, limit), counts in zip(ends, is_limit, strict=True):
        if counts:
            extreme, beyond = f"{tensor}_{reduce}", f"{tensor}_{compare}"
            model.graph.node.append(helper.make_node(reduce, [source], [extreme], keepdims=0))
            model.graph.node.append(helper.make_node(compare, [extreme, limit], [beyond]))
            said.append(beyond)
    if said:
        output = f"{tensor}{_TOLD}"
        model.graph.node.append(helper.make_node("Or", [said[0], said[-1]], [output]))
        model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.BOOL, []))
