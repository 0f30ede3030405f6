"""A graph in float16: what is rounded and where, what stays in float32, and what is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from onboard.errors import InputError
from train.fuse.compare import outputs_of
from train.half import flight, keep
from train.half.convert import convert, rounded, types_of

PATH = Path("graph.onnx")


def graph(*nodes: tuple[str, list[str], list[str]], **constants: float) -> ModelProto:
    """Nodes by operator, inputs, outputs, from `image` [1, 4] to `debris_logit` [1, 4]."""
    made = helper.make_graph(
        [helper.make_node(op, taken, given, name=f"{op}_{given[0]}") for op, taken, given in nodes],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("debris_logit", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.float32([value]), name) for name, value in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def logits(model: ModelProto, image: np.ndarray, optimised: bool = False) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    return outputs_of(model, {"image": image}, PATH, optimised)["debris_logit"]


IMAGE = np.float32([[0.1, 0.30001, 0.7, 0.9]])
ADD_AND_TAKE_OFF = (("Add", ["image", "k"], ["far"]), ("Sub", ["far", "k"], ["debris_logit"]))


def test_the_emulation_rounds_after_each_node_and_the_kept_nodes_do_not() -> None:
    model = graph(*ADD_AND_TAKE_OFF, k=1024.0)  # between 1024 and 2048 float16 has steps of 1
    half = np.float16(IMAGE).astype(np.float32)
    for optimised in (False, True):
        found = logits(rounded(model, ()), IMAGE, optimised)
        assert np.array_equal(found, np.round(half)), "a rounding that ONNX Runtime leaves out is none"
        for written in (convert, rounded):  # one node in float32 between two others: no rounding between those two
            assert np.array_equal(logits(written(model, {0, 1}), IMAGE, optimised), logits(model, IMAGE, optimised))
    types = types_of(convert(model, {0}))
    assert types["image"] == types["far"] == types["debris_logit"] == TensorProto.FLOAT
    assert types_of(convert(model, ()))["far"] == TensorProto.FLOAT16


def test_a_constant_that_a_kept_and_a_converted_node_share_is_rounded_for_one_alone() -> None:
    model = graph(("Mul", ["image", "k"], ["a"]), ("Mul", ["a", "k"], ["debris_logit"]), k=0.1)
    found = logits(rounded(model, {0}), IMAGE)
    tenth = np.float32(np.float16(0.1))
    wanted = np.float16(np.float16(IMAGE * np.float32(0.1)).astype(np.float32) * tenth).astype(np.float32)
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize(
    ("first", "k", "then", "stays"),
    [
        ("Mul", 900.0, "Relu", set()),
        ("Mul", 2000.0, "Relu", {"first", "then"}),  # no overflow here, but not far from one
        ("Mul", 1e-3, "Relu", {"first", "then"}),
        ("Add", 1e-12, "Relu", {"first"}),
        ("Add", 1e6, "Relu", {"first", "then"}),
    ],
)
def test_what_its_range_would_spoil_stays(first: str, k: float, then: str, stays: set[str]) -> None:
    model = graph((first, ["image", "k"], ["a"]), (then, ["a"], ["debris_logit"]), k=k)
    for node, name in zip(model.graph.node, ("first", "then"), strict=True):
        node.name = name
    found = keep.kept(model, "image", [{"image": IMAGE}])
    assert set(found.by_range) == stays and len(found.nodes) == len(stays)


def test_arithmetic_on_shapes_stays_where_the_image_is_not_looked_at() -> None:
    nodes = (("Shape", ["image"], ["s"]), ("Cast", ["s"], ["f"]), ("Add", ["f", "k"], ["g"]))
    model = graph(("Relu", ["image"], ["debris_logit"]), k=0.5)
    for op, taken, given in nodes:
        extra = {"to": TensorProto.FLOAT} if op == "Cast" else {}
        model.graph.node.append(helper.make_node(op, taken, given, name=given[0], **extra))
    found = keep.kept(model, "image", [{"image": IMAGE}])
    assert found.nodes == {1, 2, 3} and not found.by_range


def test_a_logit_that_moves_too_far_is_refused_and_the_limit_is_a_share_of_the_spread() -> None:
    model, feeds = graph(*ADD_AND_TAKE_OFF, k=600.0), [{"image": IMAGE}]  # steps of 0.5
    moved = float(np.abs(logits(rounded(model, ()), IMAGE) - logits(model, IMAGE)).max())
    assert 0.1 < moved <= 0.5
    half = flight.halve(model, "image", feeds, 1.001 * moved / flight.TOLERANCE, PATH)
    assert half.facts["logit_change_rounded"] == pytest.approx(moved, abs=1e-4)
    assert half.facts["logit_change"] < 1e-3, "ONNX Runtime does not round, so it alone would not have seen it"
    with pytest.raises(InputError, match=r"graph\.onnx: in float16 the logit moves by .*leave --precision fp16 out"):
        flight.halve(model, "image", feeds, 0.9 * moved / flight.TOLERANCE, PATH)
    with pytest.raises(InputError, match=r"graph\.onnx: the calibration normals' logits have no spread"):
        flight.halve(model, "image", feeds, 0.0, PATH)
