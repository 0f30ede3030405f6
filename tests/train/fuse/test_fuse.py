"""A fused bundle: the pose network untouched, the trained logits, and the refusals before it."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from onboard import bundle as bundles
from onboard.detector import Detector
from onboard.window import cut
from train import runs
from train.__main__ import main
from train.crop import Crop
from train.data.pixels import read_sample
from train.evaluate import evaluate, load_run
from train.fuse.command import fuse

from .conftest import fit_on
from .test_merge import small


def session(model, optimised: bool = False) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@pytest.fixture
def run(on_pose: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(on_pose, tmp_path / "run"))


@pytest.fixture(scope="module")
def fused(on_pose: Path, pose: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with its bundle, and the graph with the network's own input. Not to be changed."""
    run = Path(shutil.copytree(on_pose, tmp_path_factory.mktemp("fused") / "run"))
    fuse(run, runs.read_config(run), pose, run / "kept.onnx")
    return run


@pytest.mark.usefixtures("no_pictures")
def test_a_fused_bundle_flies_the_trained_logits_and_the_pose(fused: Path, pose: Path) -> None:
    run, config, folder = fused, runs.read_config(fused), fused / "bundle"
    assert evaluate(run, config)["last_epoch"]["auroc"] > 0
    detector = Detector.load(folder)
    head, prepared = load_run(run, config)
    with torch.inference_mode():
        wanted = head.model(prepared.features["test"]).numpy()
    norm = prepared.backbone.normalisation
    crop = Crop(config.crop, norm.mean, norm.std)
    untouched = session(str(pose))
    kept, flight = session(str(run / "kept.onnx")), session(str(folder / "model.onnx"))
    for sample, logit in list(zip(prepared.split.test, wanted, strict=True))[::5]:
        frame = read_sample(sample, "refuse")
        answer = detector(frame, sample.box)
        assert answer.logit == pytest.approx(float(logit), abs=1e-4)
        window = cut(frame, sample.box, config.crop)
        with torch.inference_mode():
            image = crop(torch.from_numpy(window.pixels)[None], torch.from_numpy(window.region)[None]).numpy()
        rotation, translation = untouched.run(None, {"image": image})
        assert [o.name for o in kept.get_outputs()] == ["rotation", "translation", "debris_logit"]
        found = kept.run(None, {"image": image})
        assert np.array_equal(found[0], rotation) and np.array_equal(found[1], translation)
        assert float(found[2].item()) == pytest.approx(float(logit), abs=1e-4)
        assert set(answer.outputs) == {"rotation", "translation"}
        np.testing.assert_allclose(answer.outputs["rotation"], rotation, rtol=1e-4, atol=1e-4)
        in_flight = flight.run(["rotation"], {"window": window.pixels[None], "box": window.region[None]})[0]
        np.testing.assert_allclose(in_flight, rotation, rtol=1e-5, atol=1e-5)  # torch's crop beside ONNX Runtime's
    manifest = bundles.read(folder).manifest
    assert {o.name for o in manifest.outputs} == {"rotation", "translation", "debris_logit"}
    assert manifest.backbone["opset"] == "17" and manifest.backbone["lowest_tensorrt"] == "8.5"
    flown = onnx.load(folder / "model.onnx")
    assert flown.graph.input[0].name == "window"
    assert [(entry.domain, entry.version) for entry in flown.opset_import] == [("", 17)], "named once"


def test_the_real_builder_takes_the_fused_graph(fused: Path) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (Linux on x86-64 only)")
    folder = fused / "bundle"
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    assert parser.parse_from_file(str(folder / "model.onnx")), parser.get_error(0)
    config, profile = builder.create_builder_config(), builder.create_optimization_profile()
    profile.set_shape("window", *[(1, 256, 256, 3)] * 3)
    profile.set_shape("box", *[(1, 4)] * 3)
    assert config.add_optimization_profile(profile) >= 0
    assert builder.build_serialized_network(network, config).nbytes > 1_000_000


def test_a_fused_bundle_in_float16(fused: Path, run: Path, pose: Path, tmp_path: Path) -> None:
    config, plain = runs.read_config(run), fused / "bundle"
    folder = fuse(run, config, pose, tmp_path / "kept.onnx", "fp16")
    before, manifest = bundles.read(plain).manifest, bundles.read(folder).manifest
    assert (before.precision, manifest.precision) == ("fp32", "fp16")
    assert (before.inputs, before.outputs) == (manifest.inputs, manifest.outputs), "names and types are kept"
    assert (folder / "model.onnx").stat().st_size < 0.55 * (plain / "model.onnx").stat().st_size
    facts = manifest.conversion
    assert facts["logit_change_rounded"] <= manifest.logit_tolerance == pytest.approx(0.2 * facts["logit_spread"])
    assert set(facts["output_changes"]) == {"rotation", "translation"}
    assert all(0 < change["relative"] < 0.02 for change in facts["output_changes"].values())
    # Crop arithmetic is untouched: all its nodes are those of the float32 graph.
    crops = [
        {n.name: n.SerializeToString() for n in onnx.load(path / "model.onnx").graph.node if n.name.startswith("crop_")}
        for path in (plain, folder)
    ]
    assert len(crops[0]) > 50 and crops[0] == crops[1]
    # p-values are of the graph that flies: each calibration image, as it flies, is found among the scores.
    detector, scores = Detector.load(folder), np.load(folder / "calibration_scores.npy")
    _, prepared = load_run(run, config)
    for sample in prepared.split.calibration[:4]:
        answer = detector(read_sample(sample, "refuse"), sample.box)
        assert np.abs(scores + answer.logit).min() < 1e-6
    kept = session(str(tmp_path / "kept.onnx"))
    assert [(i.name, i.type) for i in kept.get_inputs()] == [("image", "tensor(float)")]


def test_a_network_that_is_float16_already_is_left_alone(drawn, tmp_path: Path, capsys) -> None:
    network = small(tmp_path / "half.onnx", dtype=onnx.TensorProto.FLOAT16)
    run = fit_on(network, drawn.root, tmp_path, "map")
    words = ["fuse", str(run), "--pose", str(network), "--precision", "fp16"]
    assert main(words) == 0
    assert "it is left as it is" in capsys.readouterr().out
    manifest = bundles.read(run / "bundle").manifest
    spread = manifest.conversion["logit_spread"]
    assert manifest.precision == "fp16" and manifest.logit_tolerance == pytest.approx(0.2 * spread)
    fuse(run, runs.read_config(run), network)
    assert bundles.read(run / "bundle").manifest.files["model.onnx"] == manifest.files["model.onnx"]
