"""The tensors of a network that a debris head may take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnx import GraphProto, ModelProto, NodeProto

from train.onnx_model import walk
from train.onnx_model.ports import ImagePort
from train.onnx_model.shapes import TensorKind, kinds
from train.onnx_model.work import multiply_adds

_FLOATS = ("float32", "float16")
_POINTWISE = ("Clip", "Relu", "LeakyRelu", "HardSwish", "Sigmoid", "Mul", "BatchNormalization", "Pad")


@dataclass(frozen=True)
class Tap:
    """A tensor that can be tapped.

    Attributes:
        name: as it stands in the file.
        shape: for a batch of one image.
        dtype: `float32` or `float16`.
        reduction: by how much the map is smaller than the input (32 is the fifth stage); None for a vector.
        work: share of the network's multiply-adds that are done for this tensor, 0..1.
        why: what makes it worth tapping; empty for the others.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    reduction: int | None
    work: float
    why: str


def find(model: ModelProto, port: ImagePort, height: int, width: int, every: bool = False) -> list[Tap]:
    """The tensors worth tapping in the order of the graph, or every float map and vector that comes from the image."""
    graph, known = model.graph, kinds(model, port, height, width)
    work = multiply_adds(graph, known)
    usable = from_image(graph, port.name, known)
    reasons = _reasons(graph, usable, known)
    taps = []
    for name in usable:
        if not every and name not in reasons:
            continue
        shape = tuple(int(size or 0) for size in known[name].shape)
        done = sum(work[index] for index in walk.ancestors(graph, [name]))
        reduction = round(height / shape[2]) if len(shape) == 4 else None
        taps.append(Tap(name, shape, known[name].dtype, reduction, done / max(1, sum(work)), reasons.get(name, "")))
    return taps


def table(taps: Iterable[Tap], path: Path) -> str:
    """The taps for a terminal."""
    rows = [("tensor", "shape", "type", "stage", "work before", "")]
    for tap in taps:
        shape = " x ".join(map(str, tap.shape))
        stage = f"1/{tap.reduction}" if tap.reduction else "vector"
        rows.append((tap.name, shape, tap.dtype, stage, f"{100 * tap.work:.1f} %", tap.why))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([f"{path}:", *lines])


def from_image(graph: GraphProto, image: str, known: Mapping[str, TensorKind]) -> list[str]:
    """Float maps and vectors of one image that are made from it, in the order of the graph."""
    reached, found = {image}, []
    for node in graph.node:
        if reached.isdisjoint(walk.needs(node)):
            continue
        for name in node.output:
            reached.add(name)
            kind = known.get(name)
            if kind and kind.dtype in _FLOATS and len(kind.shape) in (2, 4) and None not in kind.shape[1:]:
                found += [name] if kind.shape[0] == 1 else []
    return found


def _reasons(graph: GraphProto, usable: list[str], known: Mapping[str, TensorKind]) -> dict[str, str]:
    """Why a tensor is worth tapping: it ends a stage, or is the last one that all outputs are made from."""
    outputs = [value.name for value in graph.output]
    makers = [set(walk.ancestors(graph, [name])) for name in outputs]
    shared = set.intersection(*makers) if makers else set()
    maker = {name: index for index, node in enumerate(graph.node) for name in node.output}
    trunk = [name for name in usable if maker[name] in shared and name not in outputs]
    reasons: dict[str, str] = {}
    # Padding makes a map larger for a moment, and what comes before the first convolution is still the image.
    begun = next((i for i, node in enumerate(graph.node) if node.op_type in ("Conv", "MatMul", "Gemm")), 0)
    maps = [name for name in trunk if len(known[name].shape) == 4 and _area(known[name]) > 1]
    maps = [name for name in maps if maker[name] >= begun and graph.node[maker[name]].op_type != "Pad"]
    for name, following in zip(maps, [*maps[1:], None], strict=False):
        smallest = min(_area(known[earlier]) for earlier in maps[: maps.index(name) + 1])
        if _area(known[name]) > smallest:
            continue  # a decoder's, or of another level of a pyramid
        if following is None or _area(known[following]) < smallest:
            end = name if following is None else _before_expansion(graph.node[maker[following]], name, graph, maker)
            reasons[end] = "last map" if following is None else "end of a stage"
    vectors = [name for name in trunk if len(known[name].shape) == 2]
    if vectors:
        reasons[vectors[0]] = "pooled vector"
        if len(vectors) > 1:
            reasons[vectors[-1]] = "last before the heads split" if len(outputs) > 1 else "last before the output"
    return reasons


def _area(kind: TensorKind) -> int:
    return int(kind.shape[2] or 0) * int(kind.shape[3] or 0)


def _before_expansion(reducing: NodeProto, end: str, graph: GraphProto, maker: Mapping[str, int]) -> str:
    """An inverted bottleneck widens the map before its depthwise convolution: the stage ends before the widening."""
    group = next((a.i for a in reducing.attribute if a.name == "group"), 1)
    name = reducing.input[0]
    while group > 1 and name in maker:
        node = graph.node[maker[name]]
        if node.op_type == "Conv":
            return node.input[0] if node.input[0] in maker else end
        if node.op_type not in _POINTWISE:
            break
        name = node.input[0]
    return end
