"""What is known of a flight graph when it has been written, and what it answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, TensorProto, numpy_helper
from tqdm import tqdm

from onboard.window import Window
from train.onnx_model.running import session

TOLERANCE = 1e-4  # of a logit, between the training side and a runtime in float32


@dataclass(frozen=True)
class Written:
    """A flight graph for the manifest.

    Attributes:
        precision: what it computes in behind the crop.
        backbone: what the manifest says about the backbone beside its name and weights.
        logit_tolerance: by how much its logits may differ from the trained head's.
        conversion: to float16: what stayed in float32 and what changed; empty where nothing was converted.
        preprocessing: the file beside it that holds the preprocessing alone, or None.
    """

    precision: Literal["fp32", "fp16"] = "fp32"
    backbone: dict[str, str] = field(default_factory=dict)
    logit_tolerance: float = TOLERANCE
    conversion: dict[str, Any] = field(default_factory=dict)
    preprocessing: str | None = None


def precision_of(model: ModelProto) -> Literal["fp32", "fp16"]:
    """`fp16` where the graph holds float16 numbers or makes them."""
    half = any(tensor.data_type == TensorProto.FLOAT16 for tensor in model.graph.initializer)
    for node in model.graph.node:
        for attribute in node.attribute:
            half |= attribute.t.data_type == TensorProto.FLOAT16
            half |= node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16
    return "fp16" if half else "fp32"


def weights_bytes(model: ModelProto) -> int:
    """What the graph's numbers take: initializers and constants."""
    tensors = [*model.graph.initializer]
    tensors += [
        a.t for node in model.graph.node if node.op_type == "Constant" for a in node.attribute if a.name == "value"
    ]
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in tensors)


def logits_in_flight(path: Path, windows: Iterable[Window], count: int) -> npt.NDArray[np.float32]:
    """The written graph's own logits in ONNX Runtime, as `onboard` runs it, of `count` windows."""
    running = session(onnx.load(str(path)), str(path), optimised=True)
    shown = tqdm(windows, total=count, unit="image", desc="logits in float16", disable=None, leave=False)
    feeds = ({"window": window.pixels[None], "box": window.region[None]} for window in shown)
    return np.array([running.run(["debris_logit"], feed)[0].item() for feed in feeds], np.float32)
