"""Old pose network against fused bundle, from the command line, on frames of a folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from onboard import bundle as bundles
from onboard.__main__ import main
from onboard.compare import memory, power
from onboard.compare.outputs import PoseOutput, angle_deg, difference
from tests.onboard.compare.conftest import SPEC
from tests.onboard.trt.conftest import wrap


def changed(made: Path, target: Path) -> Path:
    """The pose network with the quaternion's sign flipped, and the translation moved by (0, 3, 4) m."""
    model = onnx.load(str(made / "pose.onnx"))
    for node in model.graph.node:
        node.output[:] = [f"{n}_before" if n in ("rotation", "translation") else n for n in node.output]
    model.graph.initializer.append(numpy_helper.from_array(np.float32([0, 3, 4]), "moved"))
    model.graph.node.append(helper.make_node("Neg", ["rotation_before"], ["rotation"]))
    model.graph.node.append(helper.make_node("Add", ["translation_before", "moved"], ["translation"]))
    onnx.save(model, str(target))
    return target


def compare(made: Path, pose: Path, *more: str, code: int = 0, bundle: str = "bundle", data: str = "frames") -> None:
    assert main(["compare-pose", str(pose), str(made / bundle), str(made / data), *more]) == code


def test_the_very_network_is_the_same_to_the_bit(made: Path, tmp_path: Path, capsys: Any) -> None:
    limits = ["--max-rotation-deg", "0", "--max-translation-m", "0", "--max-keypoint-px", "0", "--max-relative", "0"]
    out = tmp_path / "found.json"
    compare(made, made / "pose.onnx", "--exact", "--outputs", str(made / "outputs.yaml"), *limits, "--json", str(out))
    told = json.loads(out.read_text())
    assert told["frames"] == 3 and told["left_out"] == {"box_outside_frame": 1, "frame_unusable": 1}
    assert {name: one["bit_identical"] for name, one in told["outputs"].items()} == dict.fromkeys(
        ["rotation", "translation", "corners", "pooled"], 3
    )
    assert told["passed"] is True and all(one["passed"] for one in told["outputs"].values())
    assert told["memory"]["more"]["weights_bytes"] == 500 and told["memory"]["pose_is_the_one_that_was_fused"]
    grown = told["memory"]["pose"]["host_bytes"]
    assert grown is None or 0 < grown < 1e9
    assert told["memory"]["more"]["device_bytes"] is None
    assert "PASS" in capsys.readouterr().out


def test_another_network_is_told_in_its_outputs_own_units(made: Path, tmp_path: Path, capsys: Any) -> None:
    other, out = changed(made, tmp_path / "other.onnx"), tmp_path / "found.json"
    more = ["--outputs", str(made / "outputs.yaml"), "--json", str(out)]
    compare(made, other, *more, "--max-translation-m", "4.9", "--max-rotation-deg", "0.01", code=1)
    told = json.loads(out.read_text())
    rotation, translation = told["outputs"]["rotation"], told["outputs"]["translation"]
    assert rotation["bit_identical"] == 0 and rotation["figures"]["deg"]["max"] < 1e-4 and rotation["passed"]
    found = {unit: each["median"] for unit, each in translation["figures"].items()}
    assert found == pytest.approx({"m": 5, "m_x": 0, "m_y": 3, "m_z": 4}, abs=1e-5)
    assert translation["passed"] is False and told["passed"] is False
    assert told["memory"]["pose"]["weights_bytes"] is None, "another network's weights are not guessed"
    text = capsys.readouterr().out
    assert "FAIL" in text and "translation" in text
    compare(made, other, *more, "--max-translation-m", "5.1")


def test_units() -> None:
    q = np.array([[0.5, 0.5, 0.5, 0.5]])
    half = np.radians(1e-6) / 2
    turned = np.array([[np.cos(half), np.sin(half), 0, 0]])
    one = np.array([[1.0, 0, 0, 0]])
    assert angle_deg(one, -3 * turned)[0] == pytest.approx(1e-6, rel=1e-3)
    assert angle_deg(q, one)[0] == pytest.approx(120)
    assert np.isnan(angle_deg(one, 0 * one)[0]), "no rotation at all is not the same rotation"
    corners = difference(PoseOutput("keypoints", 64), np.zeros((1, 2, 3)), np.full((1, 2, 3), 0.5))
    assert corners == {"px": pytest.approx(32 * 2**0.5)}, "the third number of a keypoint is no coordinate"
    assert difference(PoseOutput(), np.zeros(2), np.ones(2)) == {"relative": np.inf, "max_abs": 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{h}/none.onnx {m}/bundle {m}/frames", "none.onnx: no such file"),
        ("{h}/old.engine {m}/bundle {m}/frames --exact", "--exact: goes with ONNX Runtime alone"),
        ("{h}/broken.onnx {m}/bundle {m}/frames", "broken.onnx: ONNX Runtime"),
        ("{m}/bundle/model.onnx {m}/bundle {m}/frames", "has the inputs window, box; one, the image"),
        ("{m}/bundle/crop.onnx {m}/bundle {m}/frames", "has the inputs window, box; one, the image"),
        ("{m}/pose.onnx {h} {m}/frames", "the bundle lacks this file"),
        ("{m}/pose.onnx {h}/plain {m}/frames", "plain: is no fused bundle"),
        ("{m}/pose.onnx {m}/bundle {h}/none", "no such folder of frames"),
        ("{m}/pose.onnx {m}/bundle {m}/frames --outputs {h}/wrong.yaml", "'turn' is no output"),
        ("{m}/pose.onnx {m}/bundle {m}/frames --outputs {h}/kind.yaml", "needs a last axis of 3"),
        ("{m}/pose.onnx {m}/bundle {m}/frames --max-rotation-deg 1", "no output is called quaternion"),
        ("{m}/pose.onnx {m}/bundle {m}/frames --max-relative nan", "--max-relative nan: 0 or more"),
    ],
)
def test_refusals(made: Path, tmp_path: Path, words: str, said: str, capsys: Any) -> None:
    (tmp_path / "old.engine").write_bytes(b"engine")
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    (tmp_path / "wrong.yaml").write_text("pose_outputs: {turn: {kind: quaternion}}")
    (tmp_path / "kind.yaml").write_text("pose_outputs: {rotation: {kind: translation}}")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/model.onnx").write_bytes((made / "bundle/model.onnx").read_bytes())
    wrap(tmp_path / "plain/model.onnx", SPEC.windows)
    assert main(["compare-pose", *words.format(m=made, h=tmp_path).split()]) == 2
    assert said in capsys.readouterr().err


def test_weights_beside_the_file_are_counted(made: Path, tmp_path: Path) -> None:
    model = onnx.load(str(made / "pose.onnx"))
    onnx.save(model, str(tmp_path / "p.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0)
    found = memory.measure(tmp_path / "p.onnx", made / "bundle/model.onnx", bundles.read(made / "bundle").manifest)
    sizes = [(tmp_path / name).stat().st_size for name in ("p.onnx", "w.bin")]
    assert found["pose"]["file_bytes"] == sum(sizes) and min(sizes) > 500


def test_power_is_the_modules_feed_and_none_where_no_sensor_is(tmp_path: Path) -> None:
    assert power.while_running(lambda: None, 0.01, tmp_path) is None
    sensor = tmp_path / "hwmon3"
    sensor.mkdir()
    for name, value in {"in1_label": "VDD_CPU", "in1_input": 1, "curr1_input": 1, "in2_label": "VDD_IN"}.items():
        (sensor / name).write_text(f"{value}\n")
    (sensor / "in2_input").write_text("5000\n")
    assert power.while_running(lambda: None, 0.01, tmp_path) is None, "half a sensor is none"
    (sensor / "curr2_input").write_text("1500\n")
    assert power.while_running(lambda: None, 0.01, tmp_path) == pytest.approx(7.5)
