"""Preprocessing, pose network and head become one graph."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import GraphProto, ModelProto

from onboard.errors import InputError
from train.fuse.parts import BOX, IMAGE, LOGIT
from train.onnx_model.ports import ImagePort

FLIGHT_INPUTS = ("window", "box")
_BOX_OF_HEAD = "box"


def with_head(pose: ModelProto, head: ModelProto, taps: Sequence[str], path: Path) -> ModelProto:
    """The pose network with the output `debris_logit` behind its own outputs; its inputs and outputs keep their names.

    A head that pools over the box adds the input `debris_box` behind the network's own.

    Args:
        pose: loaded; not changed.
        head: inputs `tap_0`, `tap_1` and so on, and perhaps `box`.
        taps: the tensors that go into them.
        path: what an error calls the pose network.

    Raises:
        InputError: an input or output of the network is called `debris_logit`, or `debris_box` where that is an input.
    """
    reserved = (LOGIT, BOX) if _BOX_OF_HEAD in [value.name for value in head.graph.input] else (LOGIT,)
    _refuse_taken([*pose.graph.input, *pose.graph.output], reserved, path)
    pose, taps = _renamed_inside(pose, reserved, taps)
    own = [value.name for value in pose.graph.output]
    for tap in taps:
        if tap not in own and tap not in [value.name for value in pose.graph.output]:
            pose.graph.output.append(onnx.ValueInfoProto(name=tap))
    _complete_types(pose)
    prefix = _free_prefix("debris_", pose.graph)
    behind = onnx.compose.add_prefix(_aligned(head, pose), prefix, rename_outputs=False)
    joints = [(tap, f"{prefix}tap_{index}") for index, tap in enumerate(taps)]
    fused = _merged(pose, behind, io_map=joints, outputs=[*own, LOGIT])
    named = {f"{prefix}{_BOX_OF_HEAD}": BOX}
    _rename(fused.graph, named)
    for value in fused.graph.input:
        value.name = named.get(value.name, value.name)
    return fused


def with_preprocessing(fused: ModelProto, before: ModelProto, port: ImagePort, path: Path) -> ModelProto:
    """Window and box in place of the image.

    Args:
        fused: the pose network with its head; not changed.
        before: inputs `window` and `box`, output `image` and perhaps `debris_box`.
        port: the pose network's image input.
        path: what an error calls the pose network.

    Raises:
        InputError: an output of the network is called `window` or `box`.
    """
    _refuse_taken(list(fused.graph.output), FLIGHT_INPUTS, path)
    fused, (image,) = _renamed_inside(fused, FLIGHT_INPUTS, (port.name,), inputs_too=True)
    _bind_batch(fused, port)
    prefix = _free_prefix("crop_", fused.graph)
    before = onnx.compose.add_prefix(_aligned(before, fused), prefix, rename_inputs=False)
    joints = {IMAGE: image, BOX: BOX}
    io_map = [(value.name, joints[value.name.removeprefix(prefix)]) for value in before.graph.output]
    return _merged(before, fused, io_map=io_map)


def _merged(one: ModelProto, other: ModelProto, **joining: Any) -> ModelProto:
    """Merged by onnx, which would name the operator set of each; both are of one version."""
    model = onnx.compose.merge_models(one, other, **joining)
    del model.opset_import[1:]
    return model


def _aligned(ours: ModelProto, theirs: ModelProto) -> ModelProto:
    """Ours with the IR version of theirs, which merging asks for."""
    copy = onnx.ModelProto()
    copy.CopyFrom(ours)
    copy.ir_version = theirs.ir_version
    return copy


def _refuse_taken(values: Sequence[onnx.ValueInfoProto], reserved: Sequence[str], path: Path) -> None:
    if taken := sorted({value.name for value in values}.intersection(reserved)):
        raise InputError(
            f"{path}: has an input or output called '{taken[0]}', which is the fused graph's own name; export the "
            "network again with another name (input_names and output_names of torch.onnx.export)"
        )


def _renamed_inside(
    model: ModelProto, reserved: Sequence[str], followed: Sequence[str], inputs_too: bool = False
) -> tuple[ModelProto, list[str]]:
    """A copy in which no inner tensor has a reserved name, and what the followed names have become."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    names = _names(copy.graph)
    renaming = {}
    for name in reserved:
        new = f"pose_{name}"
        while new in names:
            new = f"{new}_"
        if name in names:
            renaming[name] = new
    if renaming:
        _rename(copy.graph, renaming)
        if inputs_too:
            for value in copy.graph.input:
                value.name = renaming.get(value.name, value.name)
    return copy, [renaming.get(name, name) for name in followed]


def _rename(graph: GraphProto, renaming: dict[str, str]) -> None:
    for tensor in [*graph.initializer, *graph.value_info]:
        tensor.name = renaming.get(tensor.name, tensor.name)
    for tensor in graph.sparse_initializer:
        tensor.values.name = renaming.get(tensor.values.name, tensor.values.name)
    for node in graph.node:
        node.input[:] = [renaming.get(name, name) for name in node.input]
        node.output[:] = [renaming.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                _rename(body, renaming)
                for value in [*body.input, *body.output]:
                    value.name = renaming.get(value.name, value.name)


def _names(graph: GraphProto) -> set[str]:
    """Names of all nodes and tensors."""
    found = {value.name for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]}
    for node in graph.node:
        found |= {node.name, *node.input, *node.output}
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                found |= _names(body)
    return found


def _free_prefix(wanted: str, graph: GraphProto) -> str:
    """A prefix that no name of the graph begins with, but for the logit's own."""
    names = _names(graph) - {LOGIT}
    while any(name.startswith(wanted) for name in names):
        wanted = f"{wanted}_"
    return wanted


def _complete_types(model: ModelProto) -> None:
    """Types of the outputs that were added for the taps; merging wants them."""
    inferred = {value.name: value for value in onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output}
    for value in model.graph.output:
        if not value.type.WhichOneof("value"):
            value.CopyFrom(inferred[value.name])


def _bind_batch(model: ModelProto, port: ImagePort) -> None:
    """Where the open batch's name stands in a declared shape, one image."""
    if port.batch is not None:
        return
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    if not port.symbol:
        return
    for value in [*model.graph.output, *model.graph.value_info]:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param == port.symbol:
                dimension.dim_value = 1
