"""A flip as flown that the runtime refuses already when it loads the graph."""

from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hil_tests.seu.bench import Bench
from hil_tests.seu.frames import FrameChoice
from hil_tests.seu.graph import Target
from hil_tests.seu.judge import Facts
from hil_tests.seu.plan import Flip
from onboard import bundle as bundles
from onboard.files import sha256
from tests.onboard.small_flight import window, write_bundle

SIGN = 31


@pytest.fixture
def resizing(tmp_path: Path) -> Path:
    """The small bundle with a node that ONNX Runtime refuses where a scale, a stored number, is below 0."""
    folder = write_bundle(tmp_path / "bundle")
    manifest = bundles.read(folder).manifest
    model = onnx.load(folder / "model.onnx")
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    resize = helper.make_node("Resize", ["image", "", "scales"], ["resized"], mode="nearest")
    model.graph.node.insert(list(model.graph.node).index(conv), resize)
    conv.input[0] = "resized"
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float32), "scales"))
    onnx.save(model, folder / "model.onnx")
    np.save(folder / "scores.npy", np.linspace(-1, 1, 40, dtype=np.float32))
    hashes = manifest.files | {name: sha256(folder / name) for name in ("model.onnx", "scores.npy")}
    bundles.write_manifest(folder, msgspec.structs.replace(manifest, calibration_scores="scores.npy", files=hashes))
    return folder


def test_a_flip_that_is_refused_at_loading_rejects_every_frame(resizing: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for n in range(3):
        cv2.imwrite(str(frames / f"{n}.png"), window(128, n).pixels)
    rows = "".join(f"{n}.png,10,8,60,58\n" for n in range(3))
    (frames / "boxes.csv").write_text(f"filename,x_min,y_min,x_max,y_max\n{rows}")
    bench = Bench(bundles.read(resizing), FrameChoice(frames, None, 3, 0), None, 1)
    flip = Flip(0, Target("scales", "resized", 4, 32), 2, SIGN, 1.0)
    assert bench.flown(flip) == Facts(0, 0, rejected=3, answers=2)
