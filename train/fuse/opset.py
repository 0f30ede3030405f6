"""The operator set of the fused graph: 17 where the pose network can be brought to it without moving a bit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto

from train.export.graph import OPSET
from train.fuse.compare import Array, outputs_of
from train.onnx_model.load import opset


def normalised(model: ModelProto, taps: Sequence[str], feed: dict[str, Array], path: Path) -> ModelProto:
    """The model at opset 17, or as it is where the converter fails or its outputs or taps differ in a bit.

    Args:
        model: loaded.
        taps: the tensors that a head will take.
        feed: an image as the network takes it, by the input's name.
        path: what an error calls the network.
    """
    if opset(model) == OPSET:
        return model
    try:
        converted = onnx.version_converter.convert_version(model, OPSET)
        onnx.checker.check_model(converted, full_check=True)
        after = outputs_of(converted, feed, path, more=taps)
    except Exception:  # the converter knows no rule for some operators, or writes what no runtime takes
        return model
    before = outputs_of(model, feed, path, more=taps)
    equal = before.keys() == after.keys() and all(
        np.array_equal(before[name], after[name], equal_nan=True) for name in before
    )
    return converted if equal else model


def lowest_tensorrt(version: int) -> str:
    """The first TensorRT whose parser takes this opset."""
    return "8.5" if version <= OPSET else "10.0"
