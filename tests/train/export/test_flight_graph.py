"""The exported graph."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from onboard import bundle as bundles
from onboard import image
from onboard.crop_spec import CropSpec
from onboard.runtime_ort import OrtEngine
from onboard.window import cut
from train.backbones import registry as backbones
from train.backbones.registry import BackboneOptions
from train.crop import Crop
from train.data.config import SparkData
from train.data.load import load
from train.export.graph import FlightGraph, write


@pytest.mark.parametrize("place", ["inside", "corner"])
def test_the_same_box_through_windows_of_different_sizes_gives_one_logit(fitted: Path, drawn, place: str) -> None:
    bundle = bundles.read(fitted / "bundle")
    engine = OrtEngine(bundle)
    sample = load(SparkData(str(drawn.root))).test[0]
    frame = image.read(sample.path)
    box = sample.box if place == "inside" else (-20.0, -30.0, 90.0, 75.0)
    crops = [msgspec.structs.replace(bundle.manifest.crop, windows=(size,)) for size in (192, 256)]  # neither is pooled
    logits = [float(engine.run(cut(frame, box, crop))["debris_logit"].item()) for crop in crops]
    assert abs(logits[0] - logits[1]) < 1e-4


def test_the_graph_is_plain_and_old_enough_for_the_oldest_tensorrt(fitted: Path) -> None:
    model = onnx.load(fitted / "bundle" / "model.onnx")
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert model.graph.node[0].op_type == "Cast" and model.graph.node[0].input[0] == "window"
    users = [node.op_type for node in model.graph.node if "window" in node.input]
    assert set(users) <= {"Cast", "Shape"}, "TensorRT takes nothing but a Cast on uint8"
    shape = [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    assert model.graph.output[0].name == "debris_logit" and shape == [1, 1]


def test_stages_behind_the_tap_do_not_fly(fitted: Path) -> None:
    """The run taps the 112-channel stage, so the graph holds far fewer weights than the whole network's 4.6 million."""
    model = onnx.load(fitted / "bundle" / "model.onnx")
    assert sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer) < 2e6


def build_with_tensorrt(model: Path, windows: tuple[int, ...]) -> int:
    """Size in bytes of the engine that TensorRT for RTX builds, with one optimisation profile for each window size."""
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (Linux on x86-64 only)")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse_from_file(str(model))
    assert parsed, [str(parser.get_error(i)) for i in range(parser.num_errors)]
    config = builder.create_builder_config()
    for size in windows:
        profile = builder.create_optimization_profile()
        profile.set_shape("window", *[(1, size, size, 3)] * 3)
        profile.set_shape("box", *[(1, 4)] * 3)
        assert config.add_optimization_profile(profile) >= 0
    engine = builder.build_serialized_network(network, config)
    assert engine is not None
    return int(engine.nbytes)


def test_the_real_builder_takes_the_flight_graph(fitted: Path) -> None:
    assert build_with_tensorrt(fitted / "bundle" / "model.onnx", (256, 512, 1024)) > 1_000_000


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("resnet18", None),
        ("convnext_tiny", ["stage1", "stage2"]),  # all its operators, and a tenth of its weights to build with
        ("regnety_002", None),
    ],
)
def test_other_backbones_fly_too(name: str, layers: list[str] | None, tmp_path: Path) -> None:
    """Whatever the backbone and its layers, ONNX Runtime gives what torch gives, and the real builder takes it.

    `layers`: None stands for the last two. A chain of mobile blocks, as the default backbone is, is built above.
    """
    loaded = backbones.load(BackboneOptions(name=name, weights="random"))
    layers = layers or list(loaded.module.channels())[-2:]
    width = sum(loaded.module.channels()[layer] for layer in layers)
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(width, 8), nn.LeakyReLU(), nn.Linear(8, 1))
    norm = loaded.normalisation
    graph = FlightGraph(Crop(CropSpec(), norm.mean, norm.std), loaded.module, layers, head).eval()
    path = tmp_path / "model.onnx"
    write(graph, path, 256)
    window = torch.randint(0, 256, (1, 512, 512, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    box = torch.tensor([[20.0, 30.0, 400.0, 390.0]])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {"window": window.numpy(), "box": box.numpy()})[0]
    with torch.inference_mode():
        np.testing.assert_allclose(found, graph(window, box).numpy(), rtol=1e-4, atol=1e-4)
    assert build_with_tensorrt(path, (512,)) > 100_000  # only the crop, which is the same for all, knows the size
