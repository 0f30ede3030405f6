"""The range of tensors over frames."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper
from onnxruntime import InferenceSession

from calibration.graph.running import Feed, session
from onboard.errors import InputError


@dataclass(frozen=True)
class Range:
    """What a tensor held.

    Attributes:
        low, high: its smallest and largest value over all frames.
        rank: its number of dimensions.
    """

    low: float
    high: float
    rank: int

    def join(self, other: "Range") -> "Range":
        """Of the frames of both."""
        return Range(min(self.low, other.low), max(self.high, other.high), other.rank)


def probe(model: ModelProto, tensors: Sequence[str], name: object) -> InferenceSession:
    """A graph that gives the tensors' extremes: reduced within it, for all tensors at once take much memory.

    Args:
        model: not changed.
        tensors: names of float tensors.
        name: what an error calls the graph.
    """
    return session(_probe(model, tensors).SerializeToString(), name)


def measure(running: InferenceSession, tensors: Sequence[str], feeds: Iterable[Feed], name: object) -> dict[str, Range]:
    """The tensors' ranges.

    Args:
        running: see `probe`.
        tensors: as there.
        feeds: one for each frame; none gives no range.
        name: what an error calls the graph.

    Raises:
        InputError: a tensor is not finite.
    """
    low, high = np.full(len(tensors), np.inf), np.full(len(tensors), -np.inf)
    ranks: list[int] = []
    for feed in feeds:
        values = running.run(None, feed)
        found = [np.array([float(v) for v in values[kind::3]]) for kind in (0, 1, 2)]
        low, high = np.minimum(low, found[0]), np.maximum(high, found[1])  # a NaN stays one
        ranks = [int(rank) for rank in found[2]]
    if not ranks:
        return {}
    for tensor, bottom, top in zip(tensors, low, high, strict=True):
        if not np.isfinite([bottom, top]).all():
            raise InputError(
                f"{name}: {tensor} holds {bottom} to {top} on normal frames; a healthy graph is finite on all of them: "
                "export the bundle again, or look at the frames"
            )
    return {t: Range(float(a), float(b), r) for t, a, b, r in zip(tensors, low, high, ranks, strict=True)}


def _probe(model: ModelProto, tensors: Sequence[str]) -> ModelProto:
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    for number, tensor in enumerate(tensors):
        wide, low, high, shape, rank = (
            f"range_probe_{number}_{what}" for what in ("wide", "low", "high", "shape", "rank")
        )
        probe.graph.node.extend(
            [
                helper.make_node("Cast", [tensor], [wide], to=TensorProto.FLOAT),
                helper.make_node("ReduceMin", [wide], [low], keepdims=0),
                helper.make_node("ReduceMax", [wide], [high], keepdims=0),
                helper.make_node("Shape", [tensor], [shape]),
                helper.make_node("Size", [shape], [rank]),
            ]
        )
        kinds = ((low, TensorProto.FLOAT), (high, TensorProto.FLOAT), (rank, TensorProto.INT64))
        probe.graph.output.extend(helper.make_tensor_value_info(name, kind, []) for name, kind in kinds)
    return probe
