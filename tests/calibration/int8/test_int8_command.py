import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from onboard import bundle as bundles
from onboard import image, image_hashes
from onboard.__main__ import main as onboard
from onboard.detector import Detector
from tests.calibration.killed import killed_after
from tests.onboard.small_flight import write_bundle

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "small", (256,))


def quantise(call: Call, bundle: Path, drawn: Any, *more: object, command: str = "int8") -> tuple[int, str]:
    return call(command, bundle, drawn.root, "--ignore-debris", "--kept-back", 0.4, *more)


def test_the_new_bundle_flies_and_rests_on_scores_of_its_own(
    call: Call, small: Path, drawn: Any, tmp_path: Path
) -> None:
    assert quantise(call, small, drawn, "--false-alarm-rate", 0.1, command="threshold")[0] == 0
    code, said = quantise(call, small, drawn)
    assert code == 0, said
    assert "rotation: at most" in said and "not seen: that takes 100 frames" in said and "P(false alarm) <= 0.1" in said
    out = tmp_path / "small_int8"
    detector = Detector.load(out)
    manifest, before = detector.bundle.manifest, bundles.read(small).manifest
    assert manifest.precision == "int8" and manifest.conversion["output_changes"]["rotation"]["max_abs"] > 0
    assert manifest.calibration is not None and manifest.calibration.frame is not None
    assert before.calibration is not None and before.calibration.frame is not None
    old, new = before.calibration.frame, manifest.calibration.frame
    assert (old.data_sha256, old.false_alarm_rate) == (new.data_sha256, new.false_alarm_rate)
    assert old.groups[0].score_threshold != new.groups[0].score_threshold
    frame = image.read(next((drawn.root / "val").glob("*.png")))
    one, other = (d(frame, (20, 20, 120, 120)).logit for d in (Detector.load(small), detector))
    assert one is not None and other is not None and 0 < abs(one - other) < 0.5 * manifest.conversion["logit_spread"]

    graph = onnx.load_from_string(detector.bundle.contents["model.onnx"]).graph
    around = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    assert around == {"image", "kernels", "map"}, "the convolution alone: no crop, no pooling, no last layer"
    zeros = {numpy_helper.to_array(t).dtype.name: t for t in graph.initializer if t.name.endswith("zero_point")}
    assert list(zeros) == ["int8"]
    assert all(not numpy_helper.to_array(t).any() for t in graph.initializer if t.name.endswith("zero_point"))

    first = detector.bundle.sha256
    shutil.rmtree(out)
    assert quantise(call, small, drawn)[0] == 0
    assert bundles.read(out).sha256 == first, "the same data give the same bundle"

    # Killed behind the third step, and started again: also the same bundle.
    shutil.rmtree(out)
    killed_after(3, "int8", small, drawn.root, "--ignore-debris", "--kept-back", 0.4)
    assert not out.exists()
    code, said = quantise(call, small, drawn)
    assert code == 0 and "goes on where it was stopped, 3 steps were done" in said
    assert bundles.read(out).sha256 == first
    pytest.importorskip("tensorrt_rtx", reason="the builder is not on this platform")
    assert onboard(["build", str(out), "--runtime", "tensorrt_rtx", "--precision", "int8"]) == 0


def test_what_it_refuses(call: Call, small: Path, drawn: Any, tmp_path: Path) -> None:
    def refused(bundle: Path, *more: object) -> str:
        code, said = quantise(call, bundle, drawn, *more)
        assert code == 2 and said.startswith("error:") and said.count("\n") == 1, said
        return said

    out = tmp_path / "small_int8"
    assert "at least 10 are needed of each" in refused(small, "--kept-back", 0.05)
    assert "at least 10 are needed of each" in refused(small, "--kept-back", 0.95)
    assert not out.exists()
    assert quantise(call, small, drawn)[0] == 0
    assert "exists already" in refused(small)
    assert "computes in int8" in refused(out)
    assert not np.any([path.name.startswith(".") for path in tmp_path.iterdir()])
    # A float threshold that rests on the frames kept back now.
    rate = ("--false-alarm-rate", 0.2)
    assert quantise(call, small, drawn, *rate, "--kept-back", 0, command="threshold")[0] == 0
    shutil.rmtree(out)
    assert "the frame threshold was calibrated on" in refused(small)


def test_what_made_the_graph_calibrates_nothing(call: Call, small: Path, drawn: Any, tmp_path: Path) -> None:
    out, rate = tmp_path / "small_int8", ("--false-alarm-rate", 0.2)
    manifest = bundles.read(small).manifest
    training = {**manifest.training, "samples": {"fit": {"a": 5}}}
    bundles.write_manifest(small, msgspec.structs.replace(manifest, training=training))
    code, said = quantise(call, small, drawn)
    assert code == 0 and "of classes that the head was not fitted on: b (" in said, said
    read = bundles.read(out)
    made_with = image_hashes.unpack(read.contents["selection_images.bin"], "")
    assert len(made_with) == read.manifest.conversion["frames"]
    for draw in (("--seed", 1), ("--kept-back", 0)):  # that would leave some of them to the calibration
        code, said = quantise(call, out, drawn, *draw, *rate, command="threshold")
        assert code == 0 and "that the graph was made with" in said, said
        used = image_hashes.unpack(bundles.read(out).contents["calibration_images.bin"], "")
        assert used and not used & made_with
    code, said = call("validate", out, drawn.root, "--ignore-debris", "--splits", 5)
    assert code == 0 and f"{len(made_with)} that the graph was made with" in said, said
    # A bundle older than the list goes by the draw.
    manifest = msgspec.structs.replace(bundles.read(out).manifest, selection_images=None)
    bundles.write_manifest(out, manifest)
    code, said = quantise(call, out, drawn, "--seed", 1, *rate, command="threshold")
    assert code == 2 and "'int8' made its ranges from the frames that --seed 0 --kept-back 0.4" in said
    assert quantise(call, out, drawn, *rate, command="threshold")[0] == 0


def test_the_table_with_float16_and_debris(call: Call, small: Path, drawn: Any, tmp_path: Path) -> None:
    half = write_bundle(tmp_path / "half", (256,))
    assert "computes in fp32; give the bundle" in quantise(call, small, drawn, "--fp16", half)[1]
    manifest = bundles.read(half).manifest
    bundles.write_manifest(half, msgspec.structs.replace(manifest, precision="fp16", head={"kind": "other"}))
    assert "its head is not that of" in quantise(call, small, drawn, "--fp16", half)[1]
    bundles.write_manifest(half, msgspec.structs.replace(manifest, precision="fp16"))
    code, said = quantise(call, small, drawn, "--fp16", half, "--report", drawn.root)
    assert code == 0, said
    found = json.loads((tmp_path / "small_calibration" / "int8.json").read_text())
    full, same, integer = found["precisions"]
    # The "float16" graph here is the float32 one, so whatever they are told to have in common must be equal.
    assert (full["name"], same["name"], integer["name"]) == ("fp32", "fp16", "int8")
    assert (full["scores"], full["auroc"]) == (same["scores"], same["auroc"]) and full["scores"] != integer["scores"]
    assert [one["changed"] for one in same["changed"]] == [0, 0, 0]
    pairs = [(d > n) + (d == n) / 2 for d in full["debris_scores"] for n in full["scores"]]
    assert len(full["debris_scores"]) == 12 and full["auroc"] == pytest.approx(np.mean(pairs))
