"""Pose networks of every kind that users have: opsets, types, layouts, stored weights, names that clash."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from onboard.crop_spec import CropSpec
from train.backbones.onnx_prefix import OnnxBackbone
from train.crop import Crop
from train.fuse import merge, parts
from train.fuse.compare import OPTIMISED_RTOL, outputs_of
from train.fuse.opset import lowest_tensorrt, normalised
from train.onnx_model import load as loading
from train.onnx_model import walk
from train.onnx_model.ports import image_port
from train.onnx_model.shapes import kinds

from .conftest import HEIGHT, TAP_MODULE, WIDTH, edited, export_pose

SPEC = CropSpec(input_px=(HEIGHT, WIDTH))


def fused(path: Path, tap: str, spec: CropSpec = SPEC):
    """Untouched network, preprocessing, flight graph, graph with the network's own input; and a feed for the flight."""
    model = loading.load(path)
    port = image_port(model, path)
    image = np.random.default_rng(0).standard_normal((1, port.channels, *spec.input_hw)).astype(port.dtype)
    if port.channels_last:
        image = image.transpose(0, 2, 3, 1)
    pose = normalised(model, [tap], {port.name: image}, path)
    known = kinds(model, port, *spec.input_hw)[tap]
    width = known.shape[1]
    torch.manual_seed(1)
    module = parts.TapHead(["pooled"], ["pooled"], nn.Sequential(nn.Linear(width, 8), nn.LeakyReLU(), nn.Linear(8, 1)))
    version = loading.opset(pose)
    behind = parts.head(module, [known], port.symbol or "batch" if port.batch is None else None, version)
    before = parts.preprocessing(Crop(spec, [0] * port.channels, [255] * port.channels), port, spec, version)
    kept = merge.with_head(pose, behind, [tap], path)
    flight = merge.with_preprocessing(kept, before, port, path)
    for made in (kept, flight):
        onnx.checker.check_model(made, full_check=True)
    window = np.random.default_rng(2).integers(0, 256, (1, 256, 256, 3)).astype(np.uint8)
    feed = {"window": window, "box": np.array([[30.0, 40.0, 200.0, 170.0]], np.float32)}
    return model, port, before, flight, kept, module, feed


def check(path: Path, tap: str, spec: CropSpec = SPEC, rtol: float = OPTIMISED_RTOL) -> onnx.ModelProto:
    """Pose outputs are the untouched network's to the bit, and the logit is the head's on the tapped tensor."""
    model, port, before, flight, kept, module, feed = fused(path, tap, spec)
    image = outputs_of(before, feed, path)["image"]
    wanted = outputs_of(model, {port.name: image}, path, more=[tap])
    tapped = wanted.pop(tap) if tap not in [value.name for value in model.graph.output] else wanted[tap]
    with torch.inference_mode():
        logit = module(torch.from_numpy(tapped.astype(np.float32))).numpy()
    for graph, given in ((flight, feed), (kept, {port.name: image})):
        found = outputs_of(graph, given, path)
        assert list(found) == [*wanted, "debris_logit"]
        for name, value in wanted.items():
            assert np.array_equal(found[name], value), name
        np.testing.assert_allclose(found["debris_logit"], logit, rtol=1e-4, atol=1e-5)
    plain = outputs_of(model, {port.name: outputs_of(before, feed, path, True)["image"]}, path, True)
    fast = outputs_of(flight, feed, path, True)
    for name, value in plain.items():
        assert np.abs(value.astype(float) - fast[name]).max() <= rtol * np.abs(value.astype(float)).max(), name
    return flight


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("opset", [11, 13, 17])
def test_opsets_of_the_tracing_exporter(opset: int, dynamic: bool, tmp_path: Path) -> None:
    flight = check(export_pose(tmp_path / "pose.onnx", opset, dynamic), TAP_MODULE)
    assert loading.opset(flight) == 17
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in flight.graph.output}
    assert shapes == {"rotation": [1, 4], "translation": [1, 3], "debris_logit": [1, 1]}


def test_a_newer_opset_comes_down_to_17(pose: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.onnx"
    onnx.save(onnx.version_converter.convert_version(onnx.load(str(pose)), 20), str(newer))
    assert loading.opset(loading.load(newer)) == 20
    assert loading.opset(check(newer, TAP_MODULE)) == 17


def small(path: Path, opset: int = 17, split: bool = False, dtype: int = TensorProto.FLOAT, last: bool = False) -> Path:
    """Convolution, ReLU, average, linear head; by hand, so that it may be of any opset, type and layout."""
    kind = helper.tensor_dtype_to_np_dtype(dtype)
    draw = np.random.default_rng(5)

    def weights(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array((0.2 * draw.standard_normal(shape)).astype(kind), name)

    image = [1, HEIGHT, WIDTH, 3] if last else [1, 3, HEIGHT, WIDTH]
    nodes = [helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2])] if last else []
    nodes += [
        helper.make_node("Conv", ["planes" if last else "image", "kernel"], ["raw"], strides=[4, 4], pads=[1] * 4),
        helper.make_node("Relu", ["raw"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["average"]),
        helper.make_node("Flatten", ["average"], ["vector"]),
        helper.make_node("Gemm", ["vector", "linear"], ["all"]),
    ]
    if split:  # Split-18 is one that the converter cannot bring down
        nodes.append(helper.make_node("Split", ["all"], ["rotation", "translation"], axis=1, num_outputs=2))
    else:
        nodes += [helper.make_node("Relu", ["all"], ["rotation"]), helper.make_node("Neg", ["all"], ["translation"])]
    size = 4 if split else 8
    graph = helper.make_graph(
        nodes,
        "pose",
        [helper.make_tensor_value_info("image", dtype, image)],
        [helper.make_tensor_value_info(name, dtype, [1, size]) for name in ("rotation", "translation")],
        [weights("kernel", 16, 3, 3, 3), weights("linear", 16, 8)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("opset", [18, 20])
def test_what_cannot_come_down_stays_and_says_so(opset: int, tmp_path: Path) -> None:
    flight = check(small(tmp_path / "pose.onnx", opset, split=True), "map")
    assert loading.opset(flight) == opset and lowest_tensorrt(opset) == "10.0"


def test_half_precision_throughout_keeps_the_head_in_float32(tmp_path: Path) -> None:
    flight = check(small(tmp_path / "pose.onnx", dtype=TensorProto.FLOAT16), "map", rtol=2e-3)
    types = {v.name: v.type.tensor_type.elem_type for v in flight.graph.output}
    assert types["rotation"] == TensorProto.FLOAT16 and types["debris_logit"] == TensorProto.FLOAT
    check(small(tmp_path / "pose.onnx", dtype=TensorProto.FLOAT16), "vector", rtol=2e-3)


def test_channels_last(tmp_path: Path) -> None:
    check(small(tmp_path / "pose.onnx", last=True), "map")


def test_weights_beside_the_file(pose: Path, tmp_path: Path) -> None:
    beside = tmp_path / "beside.onnx"
    onnx.save(onnx.load(str(pose)), str(beside), save_as_external_data=True, location="beside.data", size_threshold=0)
    assert (tmp_path / "beside.data").stat().st_size > 2e6 and beside.stat().st_size < 1e5
    check(beside, TAP_MODULE)
    digests = {walk.digest(walk.prefix(loading.load(path), [TAP_MODULE])) for path in (pose, beside)}
    assert len(digests) == 1, "the way of storing weights does not matter"


def rename(model: onnx.ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for value in [*model.graph.input, *model.graph.value_info, *model.graph.initializer]:
        value.name = new if value.name == old else value.name


def test_names_that_clash(tmp_path: Path) -> None:
    """Inner tensors, weights, nodes and the input may have our names; the outputs keep theirs."""

    def edit(model: onnx.ModelProto) -> None:
        for old, new in {"image": "box", "raw": "debris_logit", "map": "window", "kernel": "crop_image"}.items():
            rename(model, old, new)
        rename(model, "linear", "debris_tap_0")
        for node in model.graph.node:
            node.name = f"crop_{node.op_type}" if node.op_type == "Conv" else f"debris_{node.output[0]}"
        model.graph.node[-1].name = "debris_head"

    path = edited(small(tmp_path / "plain.onnx"), tmp_path / "pose.onnx", edit)
    flight = check(path, "window")
    assert [value.name for value in flight.graph.input] == ["window", "box"]
    names = [name for node in flight.graph.node for name in node.output]
    assert len(names) == len(set(names))


def test_a_tap_that_is_an_output_stays_one(tmp_path: Path) -> None:
    def edit(model: onnx.ModelProto) -> None:
        model.graph.output.append(helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, 16]))

    check(edited(small(tmp_path / "plain.onnx"), tmp_path / "pose.onnx", edit), "vector")


def test_one_prefix_gives_the_same_bits_alone_and_in_a_batch(tmp_path: Path) -> None:
    path = export_pose(tmp_path / "pose.onnx", 17, dynamic=True)
    model = loading.load(path)
    backbone = OnnxBackbone(walk.prefix(model, [TAP_MODULE]), image_port(model, path), [TAP_MODULE], path)
    images = torch.randn(3, 3, HEIGHT, WIDTH)
    whole = backbone(images)["pooled"]
    alone = torch.cat([backbone(image[None])["pooled"] for image in images])
    np.testing.assert_allclose(whole.numpy(), alone.numpy(), rtol=1e-5, atol=1e-6)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
