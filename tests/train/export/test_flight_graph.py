"""The exported graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from onboard import bundle as bundles
from onboard import image
from onboard.runtime_ort import OrtEngine
from onboard.window import CropSpec, cut
from train.data.config import SparkData
from train.data.load import load


@pytest.mark.parametrize("place", ["inside", "corner"])
def test_the_same_box_through_windows_of_different_sizes_gives_one_logit(fitted: Path, drawn, place: str) -> None:
    engine = OrtEngine(bundles.read(fitted / "bundle"))
    sample = load(SparkData(str(drawn.root))).test[0]
    frame = image.read(sample.path)
    box = sample.box if place == "inside" else (-20.0, -30.0, 90.0, 75.0)
    logits = [
        float(engine.run(cut(frame, box, CropSpec(windows=(size,))))["debris_logit"].item()) for size in (256, 512)
    ]
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
