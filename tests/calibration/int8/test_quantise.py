from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from calibration.graph import running
from calibration.int8.layers import candidates
from calibration.int8.quantise import quantise, tensor_ranges
from onboard.ort_options import session_options


def residual() -> ModelProto:
    """Conv + ReLU6, then a residual block, pooling and a linear layer; 16 channels, 16 x 16 pixels."""
    draw = np.random.default_rng(0)
    weights = {
        "w0": draw.normal(0, 4, (16, 3, 3, 3)),
        "w1": draw.normal(0, 0.1, (16, 16, 1, 1)),
        "w2": draw.normal(0, 0.1, (16, 16, 1, 1)),
        "w3": draw.normal(0, 0.1, (16, 16, 1, 1)),
        "linear": draw.normal(0, 1, (16, 1)),
        "zero": np.array(0.0),
        "six": np.array(6.0),
    }
    biases = {f"b{i}": draw.normal(0, 0.1, 16) for i in range(4)}
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1], name="conv0"),
        helper.make_node("Clip", ["c0", "zero", "six"], ["r0"], name="clip"),
        helper.make_node("Conv", ["r0", "w1", "b1"], ["c1"], name="conv1"),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], name="conv2"),
        helper.make_node("Add", ["c2", "r0"], ["sum"], name="sum"),
        helper.make_node("Conv", ["sum", "w3", "b3"], ["c3"], name="conv3"),
        helper.make_node("GlobalAveragePool", ["c3"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["vector"]),
        helper.make_node("MatMul", ["vector", "linear"], ["debris_logit"], name="head"),
    ]
    graph = helper.make_graph(
        nodes,
        "residual",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("debris_logit", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in {**weights, **biases}.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_every_layer_is_computed_in_integers(method: str, tmp_path: Path) -> None:
    model = residual()
    assert candidates(model) == ["conv0", "conv1", "conv2", "sum", "conv3"]
    draw = np.random.default_rng(1)
    feeds = [{"image": draw.normal(0, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(6)]
    made = quantise(model, candidates(model), tensor_ranges(model, iter(feeds), method))  # type: ignore[arg-type]
    one, other = (running.session(m.SerializeToString(), method) for m in (model, made))
    wanted, found = (np.array([g.run(None, feed)[0][0, 0] for feed in feeds]) for g in (one, other))
    assert 0 < np.abs(wanted - found).max() < 0.1 * np.abs(wanted).max()

    options = session_options()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    # r0 goes to a convolution and to a sum: were its two pairs alike, both would stay in float.
    assert (kinds["QLinearConv"], kinds["QLinearAdd"], kinds["Conv"], kinds["FusedConv"]) == (4, 1, 0, 0), kinds


def test_what_a_relu6_cuts_off_takes_no_steps() -> None:
    model = residual()
    feeds = [{"image": np.random.default_rng(1).normal(0, 1, (1, 3, 16, 16)).astype(np.float32)}]
    made = quantise(model, candidates(model), tensor_ranges(model, iter(feeds), "minmax"))
    scales = {t.name: numpy_helper.to_array(t) for t in made.graph.initializer if t.name.endswith("_scale")}
    assert float(scales["c0_scale"]) == pytest.approx(6 / 127, rel=0.01)  # c0 itself reaches 60 and more
