"""The flight bundle: a good one loads, and one that was altered, cut short or made wrong does not."""

import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest

from onboard import bundle as bundles
from onboard import files
from onboard.detector import Detector
from onboard.errors import InputError

NAMES = (
    "calibration_scores.npy",
    "fit_images.bin",
    "known_answer_1024.png",
    "known_answer_256.png",
    "known_answer_512.png",
    *(f"known_answer_unlike{number}.png" for number in range(3, 8)),
    "manifest.sha256",
    "manifest.yaml",
    "model.onnx",
)


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        Detector.load(folder)
    return str(error.value)


def rewrite(folder: Path, **changes: Any) -> None:
    """Change the manifest, and make every hash right again."""
    manifest = msgspec.structs.replace(bundles.read(folder).manifest, **changes)
    bundles.write_manifest(folder, manifest)


def rewrite_file(folder: Path, name: str, data: bytes) -> None:
    """Change a file, and make every hash right again."""
    hashes = bundles.read(folder).manifest.files
    rewrite(folder, files={**hashes, name: hashlib.sha256(data).hexdigest()})
    (folder / name).write_bytes(data)


def test_a_bundle_as_exported_loads_and_gives_its_known_answers(fitted: Path) -> None:
    detector = Detector.load(fitted / "bundle")
    assert sorted(path.name for path in (fitted / "bundle").iterdir()) == list(NAMES)
    manifest = (fitted / "bundle" / "manifest.yaml").read_bytes()
    assert detector.bundle.sha256 == hashlib.sha256(manifest).hexdigest()
    assert detector.calibration_frames == 15


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_flipped_bit_is_refused_with_the_file_s_name(bundle: Path, name: str, place: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    at = {"first": 0, "middle": len(data) // 2, "last": len(data.rstrip()) - 1}[place]
    data[at] ^= 1
    (bundle / name).write_bytes(data)
    message = refusal(bundle)
    assert name in message and "altered" in message and "copy the bundle again" in message


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    assert refusal(bundle).startswith(f"{bundle / name}: the bundle lacks this file")


@pytest.mark.parametrize("name", ["manifest.yaml", "manifest.sha256", "model.onnx", "known_answer_256.png"])
def test_a_named_pipe_is_refused_and_not_waited_for(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    said = refusal(bundle)
    assert said.startswith(f"{bundle / name}: this file of the bundle cannot be read (a named pipe, not a regular file")
    assert "copy the bundle again" in said


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").startswith(f"{tmp_path / 'none'}: no such bundle folder")


@pytest.mark.parametrize("outside", ["../model.onnx", "/tmp/model.onnx", "sub/model.onnx", "..", ".hidden"])
def test_a_manifest_reaches_nothing_outside_its_folder(bundle: Path, outside: str) -> None:
    shutil.copy(bundle / "model.onnx", bundle.parent / "model.onnx")
    manifest = bundles.read(bundle).manifest
    moved = {outside: manifest.files["model.onnx"], **{k: v for k, v in manifest.files.items() if k != "model.onnx"}}
    rewrite(bundle, files=moved)
    assert "files: a key" in refusal(bundle) and outside in refusal(bundle)
    bundles.write_manifest(bundle, msgspec.structs.replace(manifest, model=outside))
    assert f"model: '{outside}' is not allowed" in refusal(bundle)


def test_a_file_without_a_hash_is_not_used(bundle: Path) -> None:
    hashes = bundles.read(bundle).manifest.files
    rewrite(bundle, files={name: digest for name, digest in hashes.items() if name != "calibration_scores.npy"})
    assert "names ['calibration_scores.npy'] without a hash" in refusal(bundle)


@pytest.mark.parametrize("logit", [1e-3, 100.0])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_known_answer_that_is_not_given_is_named(bundle: Path, which: int, logit: float) -> None:
    known = list(bundles.read(bundle).manifest.known_answers)
    known[which] = msgspec.structs.replace(known[which], logit=known[which].logit + logit)
    rewrite(bundle, known_answers=tuple(known))
    message = refusal(bundle)
    assert message.startswith(f"{bundle / known[which].window}: known answer ") and "do not fly this bundle" in message


def test_weights_that_are_not_numbers_are_caught_by_the_known_answers(bundle: Path) -> None:
    model = onnx.load(bundle / "model.onnx")
    weights = [w for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT and w.dims]
    last = weights[-1]
    spoilt = onnx.numpy_helper.to_array(last).copy()
    spoilt.flat[0] = np.nan
    last.CopyFrom(onnx.numpy_helper.from_array(spoilt, last.name))
    rewrite_file(bundle, "model.onnx", model.SerializeToString())
    message = refusal(bundle)
    assert "known_answer_" in message and "this machine gives nan" in message


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("model.onnx", b"no graph", "ONNX Runtime"),
        ("calibration_scores.npy", b"no array", "not a .npy file"),
        ("calibration_scores.npy", b"\x93NUMPY", "not a .npy file"),
        ("known_answer_256.png", b"no image", "not an image"),
    ],
)
def test_files_of_the_wrong_kind_are_named_though_their_hashes_match(
    bundle: Path, name: str, data: bytes, why: str
) -> None:
    rewrite_file(bundle, name, data)
    message = refusal(bundle)
    assert message.startswith(str(bundle / name)) and why in message


@pytest.mark.parametrize(
    "scores", [np.zeros(3), np.zeros((2, 2), np.float32), np.zeros(0, np.float32), np.float32([1, np.nan])]
)
def test_calibration_scores_that_cannot_be_used(bundle: Path, scores: np.ndarray) -> None:
    np.save(bundle.parent / "s.npy", scores)
    rewrite_file(bundle, "calibration_scores.npy", (bundle.parent / "s.npy").read_bytes())
    assert "finite float32 scores in one dimension are needed" in refusal(bundle)


def test_a_graph_with_other_inputs_or_outputs_than_the_manifest_s_is_refused(bundle: Path) -> None:
    outputs = bundles.read(bundle).manifest.outputs
    rewrite(bundle, outputs=(*outputs, msgspec.structs.replace(outputs[0], name="pose")))
    assert "pose" in refusal(bundle)


def test_a_graph_that_cannot_take_a_window_is_refused(bundle: Path) -> None:
    model = onnx.load(bundle / "model.onnx")
    next(i for i in model.graph.input if i.name == "window").type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    rewrite_file(bundle, "model.onnx", model.SerializeToString())
    message = refusal(bundle)
    assert message.startswith(f"{bundle / 'model.onnx'}: ") and "known_answer_256.png" in message


def test_a_bundle_that_was_cut_short_while_it_was_written_is_no_bundle(bundle: Path, monkeypatch: Any) -> None:
    manifest = bundles.read(bundle).manifest

    def stop(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundles.files, "write_text", stop)
    with pytest.raises(KeyboardInterrupt):
        bundles.write_manifest(bundle, manifest)
    assert "manifest.sha256: the bundle lacks this file" in refusal(bundle)


def test_a_bundle_that_is_replaced_while_it_is_read_is_read_again(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path(shutil.copytree(bundle, tmp_path / "other"))
    scores = io.BytesIO()
    np.save(scores, np.arange(9, dtype=np.float32))
    rewrite_file(other, "calibration_scores.npy", scores.getvalue())
    new = bundles.read(other).sha256
    checked = bundles._checked

    def checks_late(path: Path, wanted: str) -> bytes:
        if other.exists():  # the manifest has been read, and the files have not
            files.replace_folder(other, bundle)
        return checked(path, wanted)

    monkeypatch.setattr(bundles, "_checked", checks_late)
    assert bundles.read(bundle).sha256 == new
