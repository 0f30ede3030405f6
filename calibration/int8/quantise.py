"""ONNX Runtime's quantiser, set to what TensorRT takes and ONNX Runtime computes in integers."""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import ModelProto, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from calibration.graph import flight
from calibration.graph.running import Feed
from calibration.int8.layers import QUANTISED
from onboard.errors import InputError

Method = Literal["minmax", "entropy", "percentile"]
Ranges = dict[str, tuple[float, float]]
_METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
_AT_ONCE = 4  # the quantiser holds all tensors of these frames in memory
# TensorRT takes symmetric int8 in explicit pairs, also around weights, and refuses an int32 bias.
_FORM = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "AddQDQPairToWeight": True,
    "DedicatedQDQPair": True,
    "QuantizeBias": False,
}


class _Feeds(CalibrationDataReader):
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._left = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._left, None)


def tensor_ranges(model: ModelProto, feeds: Iterator[Feed], method: Method) -> Ranges:
    """Lowest and highest value of all tensors that could become int8, float32.

    Args:
        model: with a name for every node.
        feeds: of normal frames; at least one.
        method: how a range is made from the values.

    Raises:
        InputError: a tensor is not finite.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, str(path))
        calibrator = create_calibrator(
            path,
            list(QUANTISED),
            str(Path(folder) / "probe.onnx"),
            _METHODS[method],
            extra_options={"symmetric": False},
        )
        while some := list(islice(feeds, _AT_ONCE)):
            calibrator.collect_data(_Feeds(some))
        found = calibrator.compute_data()
    ranges = {name: (one.lowest.item(), one.highest.item()) for name, one in found.items()}
    if odd := [name for name, limits in ranges.items() if not np.isfinite(limits).all()]:
        raise InputError(f"{odd[0]}: not finite on normal frames; export the bundle again, or look at the frames")
    _narrow_to_activations(model, ranges)
    return ranges


def _narrow_to_activations(model: ModelProto, ranges: Ranges) -> None:
    """Quantise what a ReLU or Clip takes within the range of what it gives: what lies beyond is cut off either way.

    Before a ReLU6 values reach many times 6, and their full range would leave few steps to what counts.
    """
    taken = flight.consumers(model.graph)
    for node in model.graph.node:
        following = taken[node.output[0]] if node.output else []
        if len(following) == 1 and following[0].op_type in ("Relu", "Clip"):
            given, cut = node.output[0], following[0].output[0]
            if given in ranges and cut in ranges:
                ranges[given] = ranges[cut]


def quantise(model: ModelProto, nodes: Sequence[str], ranges: Ranges) -> ModelProto:
    """The graph with Q/DQ pairs around these nodes.

    Args:
        model: with a name for every node; not changed.
        nodes: that become int8.
        ranges: see `tensor_ranges`.
    """
    copy = onnx.shape_inference.infer_shapes(model)
    limits = {name: (np.array(low, np.float32), np.array(high, np.float32)) for name, (low, high) in ranges.items()}
    wanted = set(nodes)
    others = [node.name for node in model.graph.node if node.name not in wanted]
    told = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it logs a warning for each bias, at the root
    try:
        quantiser = QDQQuantizer(
            copy,
            True,
            False,
            QuantType.QInt8,
            QuantType.QInt8,
            TensorsData(CalibrationMethod.MinMax, limits),
            list(nodes),
            others,
            list(QUANTISED),
            dict(_FORM),
        )
        quantiser.quantize_model()
        quantiser.model.topological_sort()
    finally:
        logging.getLogger().setLevel(told)
    made: ModelProto = quantiser.model.model
    _tell_pairs_apart(made)
    flight.replace_nodes(made, list(made.graph.node))
    onnx.checker.check_model(made, full_check=True)
    return made


def _tell_pairs_apart(model: ModelProto) -> None:
    """Give each further Q/DQ pair of one tensor a scale that is larger by a unit in the last place.

    ONNX Runtime merges equal QuantizeLinear nodes, and then leaves what takes the merged one in float: of a ResNet-50's
    53 convolutions, 20.
    """
    scales = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    seen: Counter[str] = Counter()
    moved: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type != "QuantizeLinear" or node.input[0] in scales or scales[node.input[1]].ndim:
            continue
        number = seen[node.input[0]]
        seen[node.input[0]] += 1
        if not number:
            continue
        scale = np.float32(scales[node.input[1]])
        for _ in range(number):
            scale = np.nextafter(scale, np.float32(np.inf))
        name = f"{node.input[1]}_{number}"
        model.graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), name))
        node.input[1] = moved[node.output[0]] = name
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in moved:
            node.input[1] = moved[node.input[0]]
