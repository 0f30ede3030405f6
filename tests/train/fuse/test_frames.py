"""Pose networks that see the whole frame: the head pools their map over the box, in training and in flight alike."""

import csv
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from hil_tests.__main__ import main as bench_main
from onboard import bundle as bundles
from onboard import image
from onboard.__main__ import main as onboard_main
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.trt.manifest import EngineManifest
from train import runs
from train.backbones import registry
from train.backbones.registry import BackboneOptions
from train.data.pixels import read_sample
from train.evaluate import evaluate, load_run
from train.fuse.command import fuse
from train.whole_frame import WholeFrame

from .conftest import FRAMES, edited, fit_on
from .test_fuse import session
from .test_merge import rename, small

LAYERS = "[pooled, pooled_std]"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One convolution, whose map of 24 x 32 cells is the tap, and two outputs."""
    return small(tmp_path_factory.mktemp("network") / "pose.onnx")


@pytest.fixture(scope="module")
def on_frames(network: Path, drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fitted and fused run on whole frames; `kept.onnx` lies beside it. Not to be changed."""
    folder = tmp_path_factory.mktemp("frames")
    run = fit_on(network, drawn.root, folder, "map", LAYERS, FRAMES)
    fuse(run, runs.read_config(run), network, folder / "kept.onnx")
    return run


def test_a_fused_bundle_flies_the_trained_logits_and_the_pose(on_frames: Path, network: Path) -> None:
    config = runs.read_config(on_frames)
    detector = Detector.load(on_frames / "bundle")
    head, prepared = load_run(on_frames, config)
    with torch.inference_mode():
        wanted = head.model(prepared.features["test"]).numpy()
    norm = prepared.backbone.normalisation
    before = WholeFrame(config.crop, norm.mean, norm.std)
    untouched, kept = session(str(network)), session(str(on_frames.parent / "kept.onnx"))
    assert [value.name for value in kept.get_inputs()] == ["image", "debris_box"]
    for sample, logit in list(zip(prepared.split.test, wanted, strict=True))[::5]:
        frame = read_sample(sample, "refuse")
        answer = detector(frame, sample.box)
        assert answer.logit == pytest.approx(float(logit), abs=1e-4)
        with torch.inference_mode():
            seen, inside = before(torch.from_numpy(frame)[None], torch.tensor([sample.box], dtype=torch.float32))
        rotation, translation = untouched.run(None, {"image": seen.numpy()})
        found = kept.run(None, {"image": seen.numpy(), "debris_box": inside.numpy()})
        assert np.array_equal(found[0], rotation) and np.array_equal(found[1], translation)
        assert float(found[2].item()) == pytest.approx(float(logit), abs=1e-4)
        np.testing.assert_allclose(answer.outputs["rotation"], rotation, rtol=1e-4, atol=1e-4)
    manifest = bundles.read(on_frames / "bundle").manifest
    assert manifest.inputs[0].shape == (1, 320, 320, 3) and manifest.crop.window_shapes == ((320, 320),)
    assert len(manifest.known_answers) == 5
    used = {node.op_type for node in onnx.load(on_frames / "bundle" / "model.onnx").graph.node}
    assert not used & {"RoiAlign", "GridSample", "Resize"}


def test_the_box_decides_the_logit_and_nothing_of_the_pose(on_frames: Path, drawn) -> None:
    detector = Detector.load(on_frames / "bundle")
    frame = image.read(next((drawn.root / "val").glob("*.png")))
    first, second = detector(frame, (20, 30, 120, 110)), detector(frame, (180, 170, 290, 300))
    assert first.logit is not None and second.logit is not None
    assert abs(first.logit - second.logit) > 1e-2
    for name in ("rotation", "translation"):
        assert np.array_equal(first.outputs[name], second.outputs[name])


def test_boxes_at_the_border_and_smaller_than_a_cell_are_judged_others_rejected(on_frames: Path, drawn) -> None:
    detector = Detector.load(on_frames / "bundle")
    frame = image.read(next((drawn.root / "val").glob("*.png")))
    for box in ((-80, 100, 40, 200), (290, 290, 340, 340), (100, 100, 102, 101), (-10, -10, 330, 330)):
        assert detector(frame, box).logit is not None, box
    reasons = [detector(frame, box).reason for box in ((100, 100, 100, 120), (400, 10, 500, 60), (-99, 10, 1, 60))]
    assert reasons == ["box_empty", "box_outside_frame", "box_mostly_outside"]
    wrong = detector(np.ascontiguousarray(frame[:, :300]), (20, 30, 120, 110))
    assert wrong.reason == "frame_wrong_size"
    assert "320 x 300" in str(wrong.detail) and "320 x 320" in str(wrong.detail)


def test_the_real_builder_makes_one_profile_of_the_frame_s_size(on_frames: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (Linux on x86-64 only)")
    out = tmp_path / "engine"
    command = ["build", str(on_frames / "bundle"), "--runtime", "tensorrt_rtx", "--out", str(out)]
    assert onboard_main(command) == 0
    assert EngineManifest.load(out).profiles == ((320, 320),)
    assert (out / "model.engine").stat().st_size > 10_000


def test_trtexec_is_told_no_shape_where_none_varies(on_frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_main(["trtexec-command", str(on_frames / "bundle"), "--version", "10.3"]) == 0
    printed = capsys.readouterr().out
    assert "--saveEngine=fused_320x320.plan" in printed and "Shapes" not in printed and "--shapes" not in printed


def test_an_open_batch_and_names_that_clash(network: Path, drawn, tmp_path: Path) -> None:
    """A batch of frames takes a box for each."""

    def edit(model: onnx.ModelProto) -> None:
        rename(model, "map", "debris_box")
        for value in [*model.graph.input, *model.graph.output]:
            value.type.tensor_type.shape.dim[0].dim_param = "frames"

    path = edited(network, tmp_path / "pose.onnx", edit)
    run = fit_on(path, drawn.root, tmp_path, "debris_box", LAYERS, FRAMES)
    folder = fuse(run, runs.read_config(run), path, tmp_path / "kept.onnx")
    shapes = [tuple(tensor.shape) for tensor in bundles.read(folder).manifest.inputs]
    assert shapes == [(1, 320, 320, 3), (1, 4)]
    kept = session(str(tmp_path / "kept.onnx"))
    images = np.random.default_rng(0).standard_normal((2, 3, 96, 128)).astype(np.float32)
    boxes = np.array([[20, 10, 60, 50], [50, 40, 120, 90]], np.float32)
    both = kept.run(["debris_logit"], {"image": images, "debris_box": boxes})[0]
    for index in range(2):
        feed = {"image": images[index : index + 1], "debris_box": boxes[index : index + 1]}
        np.testing.assert_allclose(kept.run(["debris_logit"], feed)[0][0], both[index], rtol=1e-4)


def test_what_does_not_go_with_whole_frames_is_refused(network: Path, on_frames: Path, tmp_path: Path) -> None:
    crop = runs.read_config(on_frames).crop
    with pytest.raises(InputError, match="goes with a network of your own, not with resnet18"):
        registry.load(BackboneOptions(name="resnet18", weights="random"), spec=crop)
    for tap in ("vector", "average"):
        with pytest.raises(InputError, match=rf"'{tap}' has no places .*tap a map of more cells"):
            registry.load(BackboneOptions(onnx=str(network), tap=tap), spec=crop)
    copied = Path(shutil.copytree(on_frames, tmp_path / "run", ignore=shutil.ignore_patterns("bundle")))
    clash = edited(network, tmp_path / "clash.onnx", lambda model: _output_renamed(model, "rotation", "debris_box"))
    with pytest.raises(InputError, match=r"'debris_box', which is the fused graph's own name"):
        fuse(copied, runs.read_config(copied), clash)


def _output_renamed(model: onnx.ModelProto, old: str, new: str) -> None:
    rename(model, old, new)
    for value in model.graph.output:
        value.name = new if value.name == old else value.name


def test_frames_of_another_size_are_named_with_the_remedy(network: Path, drawn, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"csv:\d+: the frame is 320 x 320 .*crop.frame_px: \[320, 320\]"):
        fit_on(network, drawn.root, tmp_path, "map", crop=FRAMES.replace("[320, 320]", "[240, 320]"))


@pytest.mark.usefixtures("no_pictures")
def test_real_frames_end_to_end(spark_sample: Path, network: Path, tmp_path: Path) -> None:
    for part, every in (("train", 16), ("val", 9)):
        (tmp_path / "data" / part).mkdir(parents=True)
        with (spark_sample / f"{part}.csv").open() as file:
            rows = list(csv.DictReader(file))[::every]
        for row in rows:
            (tmp_path / "data" / part / row["filename"]).symlink_to(spark_sample / part / row["filename"])
        with (tmp_path / "data" / f"{part}.csv").open("w", newline="") as file:
            out = csv.DictWriter(file, list(rows[0]))
            out.writeheader()
            out.writerows(rows)
    crop = FRAMES.replace("[320, 320]", "[640, 640]").replace("pad", "stretch")
    run = fit_on(network, tmp_path / "data", tmp_path, "map", LAYERS, crop)
    config = runs.read_config(run)
    assert evaluate(run, config)["test"]["anomalous"] == 6
    detector = Detector.load(fuse(run, config, network))
    with (run / "predictions.csv").open() as file:
        trained = {row["key"]: float(row["logit"]) for row in csv.DictReader(file)}
    _, prepared = load_run(run, config)
    for sample in prepared.split.test[::3]:
        assert detector(read_sample(sample, "refuse"), sample.box).logit == pytest.approx(trained[sample.key], abs=1e-4)
