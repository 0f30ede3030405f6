"""Read a user's ONNX file, and refuse what could not fly."""

from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx.inliner
from onnx import GraphProto, ModelProto, NodeProto

from onboard.errors import InputError

OPSETS = range(11, 21)
_STANDARD = ("", "ai.onnx")


def load(path: Path) -> ModelProto:
    """The model with all its weights in memory, local functions inlined, and initializers no longer inputs.

    Args:
        path: of the ONNX file; weights beside it (external data) are found by the names in it.

    Raises:
        InputError: the file or its weights cannot be read, an operator is not ONNX's own, or the opset is not 11..20.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such ONNX file; export the pose network first (torch.onnx.export)")
    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's, onnx's and the file system's errors have no common base class
        raise InputError(
            f"{path}: cannot be read as ONNX ({type(error).__name__}: {' '.join(str(error).split())[:300]}); copy it "
            "again, together with its file of weights if it has one"
        ) from error
    if not model.graph.node:
        raise InputError(f"{path}: holds no ONNX graph; export the pose network again")
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _refuse_custom_operators(model.graph, path)
    _refuse_opset(model, path)
    imports = [entry for entry in model.opset_import if entry.domain in _STANDARD]
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", imports[0].version))
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    return model


def opset(model: ModelProto) -> int:
    """The version of ONNX's own operators that a loaded model uses."""
    return int(model.opset_import[0].version)


def nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """All nodes, also those in the bodies of If, Loop and Scan."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                yield from nodes(body)


def _refuse_custom_operators(graph: GraphProto, path: Path) -> None:
    odd = sorted({f"{node.domain}::{node.op_type}" for node in nodes(graph) if node.domain not in _STANDARD})
    if odd:
        raise InputError(
            f"{path}: needs custom operators ({', '.join(odd)}), which neither every TensorRT nor ONNX Runtime has; "
            "export the network with ONNX's own operators alone (unoptimised, not through a runtime's optimiser)"
        )


def _refuse_opset(model: ModelProto, path: Path) -> None:
    versions = sorted({entry.version for entry in model.opset_import if entry.domain in _STANDARD})
    if len(versions) != 1 or versions[0] not in OPSETS:
        raise InputError(
            f"{path}: opset {', '.join(map(str, versions)) or 'unknown'} is not supported ({OPSETS[0]} to "
            f"{OPSETS[-1]} are); export the network again with opset_version=17"
        )
