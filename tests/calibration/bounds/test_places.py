import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from calibration.bounds import places
from calibration.bounds.clamp import clamp
from calibration.graph import ranges, running
from onboard.bounds import Bound


def block() -> ModelProto:
    """A resize by a matrix product, conv + relu, a linear conv summed with it, relu, pool, linear layer."""
    draw = np.random.default_rng(0)
    weights = {
        "resize": draw.normal(0, 1, (8, 8)),
        "first": draw.normal(0, 1, (4, 3, 3, 3)),
        "second": draw.normal(0, 1, (4, 4, 1, 1)),
        "linear": draw.normal(0, 1, (4, 2)),
    }
    nodes = [
        helper.make_node("MatMul", ["image", "resize"], ["resized"]),
        helper.make_node("Conv", ["resized", "first"], ["a"], pads=[1, 1, 1, 1], name="conv1"),
        helper.make_node("Relu", ["a"], ["b"], name="relu1"),
        helper.make_node("Conv", ["b", "second"], ["c"], name="conv2"),
        helper.make_node("Add", ["c", "b"], ["d"], name="sum"),
        helper.make_node("Relu", ["d"], ["e"], name="relu2"),
        helper.make_node("GlobalAveragePool", ["e"], ["f"], name="pool"),
        helper.make_node("Flatten", ["f"], ["g"]),
        helper.make_node("MatMul", ["g", "linear"], ["out"], name="head"),
    ]
    graph = helper.make_graph(
        nodes,
        "block",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    graph.value_info.append(helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, 4, 8, 8]))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def test_places_follow_the_fusions() -> None:
    found = {place.layer: place for place in places.find(block())}
    assert list(found) == ["conv1", "sum", "pool", "head"]  # conv2 is added into; the crop's product has none
    assert (found["conv1"].tensor, found["conv1"].limiter, found["conv1"].is_sum) == ("b", "Relu", False)
    assert found["sum"].is_sum and found["pool"].is_pool


def test_clamped_tensors_stay_within_their_bounds() -> None:
    model = block()
    found = [place for place in places.find(model) if not place.is_sum]
    given = {"image": np.random.default_rng(1).normal(0, 1, (1, 3, 8, 8)).astype(np.float32)}
    tensors = [place.tensor for place in found]
    seen = ranges.measure(ranges.probe(model, tensors, "block"), tensors, [given], "block")
    wide = {
        p.tensor: Bound(p.layer, p.limiter, (0, 0), (min(0.0, 2 * seen[p.tensor].low), 2 * seen[p.tensor].high))
        for p in found
    }
    made = clamp(model, found, wide)
    assert {node.op_type for node in made.graph.node if node.output[0] in wide} == {"Clip"}
    assert [value.name for value in made.graph.value_info] == ["b"], "stated shapes make ONNX Runtime faster"
    one, other = (running.outputs(running.session(m.SerializeToString(), "block"), given) for m in (model, made))
    assert running.same_bits(one, other)
    given["image"] *= np.float32(1e4)
    after = ranges.measure(ranges.probe(made, list(wide), "block"), list(wide), [given], "block")
    assert after["b"].high == pytest.approx(wide["b"].clamp[1], rel=1e-3)
    assert all(b.clamp[0] - 0.01 <= after[t].low and after[t].high <= b.clamp[1] + 0.01 for t, b in wide.items())
