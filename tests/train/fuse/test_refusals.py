"""What fuse and fit refuse before anything is merged, with the remedy."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from onboard.errors import InputError
from train import runs
from train.__main__ import main
from train.backbones import registry
from train.backbones.registry import BackboneOptions
from train.fuse.command import fuse
from train.onnx_model import load

from .conftest import TAP_MODULE, edited, export_pose


@pytest.fixture
def run(on_pose: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(on_pose, tmp_path / "run"))


def refused(run: Path, pose: Path, *parts: str) -> None:
    with pytest.raises(InputError) as caught:
        fuse(run, runs.read_config(run), pose)
    for part in parts:
        assert part in str(caught.value), caught.value
    assert not (run / "bundle").exists()


def test_another_network_is_refused(run: Path, pose: Path, tmp_path: Path) -> None:
    def weight_of_trunk(model: onnx.ModelProto) -> None:
        first = next(node for node in model.graph.node if node.op_type == "Conv").input[1]
        index = [tensor.name for tensor in model.graph.initializer].index(first)
        values = numpy_helper.to_array(model.graph.initializer[index]) * 1.0001
        model.graph.initializer[index].CopyFrom(numpy_helper.from_array(values, first))

    refused(run, edited(pose, tmp_path / "other.onnx", weight_of_trunk), "not the network", "fit again")


def test_a_tap_that_is_not_there_is_refused_with_near_ones(run: Path, pose: Path, tmp_path: Path) -> None:
    def renamed(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            node.input[:] = [f"{name}_b" if name == TAP_MODULE else name for name in node.input]
            node.output[:] = [f"{name}_b" if name == TAP_MODULE else name for name in node.output]

    refused(run, edited(pose, tmp_path / "other.onnx", renamed), TAP_MODULE, f"{TAP_MODULE}_b", "python -m train taps")


@pytest.mark.parametrize(("tap", "said"), [("rotation.bias", "no tensor"), ("/trunk/nothing", "python -m train taps")])
def test_a_wrong_tap_is_refused_by_fit(pose: Path, tap: str, said: str) -> None:
    from onboard.crop_spec import CropSpec

    options = BackboneOptions(onnx=str(pose), tap=tap)
    with pytest.raises(InputError, match=said):
        registry.load(options, spec=CropSpec(input_px=(96, 128)))


def test_another_width_or_type_at_the_tap_is_refused(run: Path, pose: Path, tmp_path: Path) -> None:
    def narrower(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if TAP_MODULE in node.output)
        node.output[0] = "wide"
        ends = [
            numpy_helper.from_array(np.array([value]), name)
            for name, value in (("cut_from", 0), ("cut_to", 40), ("cut_axis", 1))
        ]
        model.graph.initializer.extend(ends)
        index = list(model.graph.node).index(node)
        model.graph.node.insert(
            index + 1, helper.make_node("Slice", ["wide", "cut_from", "cut_to", "cut_axis"], [TAP_MODULE])
        )
        for later in model.graph.node[index + 2 :]:
            later.input[:] = ["wide" if name == TAP_MODULE else name for name in later.input]

    refused(run, edited(pose, tmp_path / "narrow.onnx", narrower), "have 40 channels", "fitted on 64")

    def whole_numbers(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if TAP_MODULE in node.output)
        node.output[0] = "wide"
        index = list(model.graph.node).index(node)
        model.graph.node.insert(index + 1, helper.make_node("Cast", ["wide"], [TAP_MODULE], to=onnx.TensorProto.INT32))
        for later in model.graph.node[index + 2 :]:
            later.input[:] = ["wide" if name == TAP_MODULE else name for name in later.input]

    refused(run, edited(pose, tmp_path / "int.onnx", whole_numbers), "no float map")


def test_an_operator_set_that_is_named_twice_is_one(pose: Path, tmp_path: Path) -> None:
    def edit(model: onnx.ModelProto) -> None:
        model.opset_import.append(model.opset_import[0])

    model = load.load(edited(pose, tmp_path / "twice.onnx", edit))
    assert len(model.opset_import) == 1


@pytest.mark.parametrize("version", [10, 21])
def test_an_opset_that_is_not_supported(run: Path, pose: Path, tmp_path: Path, version: int) -> None:
    def edit(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    refused(run, edited(pose, tmp_path / "other.onnx", edit), f"opset {version}", "opset_version=17")


def test_a_custom_operator(run: Path, pose: Path, tmp_path: Path) -> None:
    def edit(model: onnx.ModelProto) -> None:
        next(node for node in model.graph.node if node.op_type == "Relu").domain = "com.example"
        model.opset_import.append(helper.make_opsetid("com.example", 1))

    refused(run, edited(pose, tmp_path / "other.onnx", edit), "com.example::Relu", "own operators")


def test_an_output_with_our_name(drawn, tmp_path: Path) -> None:
    from .conftest import fit_on

    for name in ("debris_logit", "window"):
        folder = tmp_path / name
        folder.mkdir()
        other = export_pose(folder / "pose.onnx", names=("image", name, "translation"))
        refused(fit_on(other, drawn.root, folder), other, f"'{name}'", "output_names")


def test_unreadable_files_and_wrong_runs(run: Path, fitted: Path, pose: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no onnx")
    refused(run, tmp_path / "bad.onnx", "bad.onnx")
    refused(run, tmp_path / "none.onnx", "no such ONNX file")
    onnx.save(onnx.load(str(pose)), str(tmp_path / "e.onnx"), save_as_external_data=True, location="e.data")
    (tmp_path / "e.data").unlink()
    refused(run, tmp_path / "e.onnx", "file of weights")
    with pytest.raises(InputError, match="python -m train export"):
        fuse(fitted, runs.read_config(fitted), pose)


def test_export_sends_to_fuse_and_taps_prints(run: Path, pose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run)]) == 2
    assert "python -m train fuse" in capsys.readouterr().err
    assert main(["taps", str(pose)]) == 0
    assert TAP_MODULE in capsys.readouterr().out


@pytest.mark.parametrize(
    ("crop", "said"),
    [
        ({"input_px": 224}, r"set crop.input_px: \[96, 128\]"),
        ({"input_px": (96, 128), "channels": "grey"}, "set rgb or bgr"),
    ],
)
def test_a_crop_that_the_network_does_not_take(pose: Path, crop: dict, said: str) -> None:
    from onboard.crop_spec import CropSpec

    with pytest.raises(InputError, match=said):
        registry.load(BackboneOptions(onnx=str(pose), tap=TAP_MODULE), spec=CropSpec(**crop))


@pytest.mark.parametrize(("place", "said"), [("pose.onnx", "is the pose network itself"), (".", "is a folder")])
def test_the_kept_graph_takes_the_place_of_no_network(
    run: Path, pose: Path, tmp_path: Path, place: str, said: str
) -> None:
    mine = Path(shutil.copy(pose, tmp_path / "pose.onnx"))
    before = mine.read_bytes()
    with pytest.raises(InputError, match=said):
        fuse(run, runs.read_config(run), mine, tmp_path / place)
    assert mine.read_bytes() == before
    assert not (run / "bundle").exists()
