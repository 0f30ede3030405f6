"""The campaign as it is run: killed in the middle, gone on with, in two processes, with other bundles."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hil_tests.__main__ import main
from hil_tests.seu import regions
from hil_tests.seu.results import Campaign, Results
from onboard import bundle as bundles
from onboard.bounds import ActivationBounds, Bound
from onboard.files import sha256
from onboard.runtime_ort import OrtEngine
from onboard.window import cut
from tests.onboard.small_flight import window, write_bundle

BOX = (10.0, 8.0, 60.0, 58.0)
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight frames that the small network tells apart."""
    folder = tmp_path / "frames"
    folder.mkdir()
    with (folder / "boxes.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "x_min", "y_min", "x_max", "y_max"])
        for n in range(8):
            cv2.imwrite(str(folder / f"{n}.png"), window(128, 100 + n).pixels)
            rows.writerow([f"{n}.png", *BOX])
    return folder


@pytest.fixture
def small(tmp_path: Path, data: Path) -> Path:
    """The small bundle with scores, so that some of the frames are alarms."""
    folder = write_bundle(tmp_path / "bundle")
    read = bundles.read(folder)
    images = [cv2.imread(str(path))[..., ::-1] for path in sorted(data.glob("*.png"))]
    windows = [cut(np.ascontiguousarray(pixels), BOX, read.manifest.crop) for pixels in images]
    scores = [-float(OrtEngine(read).run(each)["debris_logit"][0, 0]) for each in windows]
    spread = np.linspace(min(scores), np.median(scores), 40).astype(np.float32)
    np.save(folder / "scores.npy", spread)
    hashes = {**read.manifest.files, "scores.npy": sha256(folder / "scores.npy")}
    manifest = msgspec.structs.replace(read.manifest, calibration_scores="scores.npy", files=hashes)
    bundles.write_manifest(folder, manifest)
    return folder


def bounded(plain: Path, folder: Path) -> Path:
    """A copy whose feature map is clamped."""
    read = bundles.read(plain)
    model = onnx.load_from_string(read.contents["model.onnx"])
    place = next(n for n, node in enumerate(model.graph.node) if node.op_type == "Relu")
    relu = model.graph.node[place]
    clip = helper.make_node("Clip", [relu.input[0], "least", "most"], [relu.output[0]])
    model.graph.node.remove(relu)
    model.graph.node.insert(place, clip)
    model.graph.initializer.extend(numpy_helper.from_array(np.float32(v), n) for n, v in (("least", 0), ("most", 60)))
    folder.mkdir()
    for name, content in read.contents.items():
        (folder / name).write_bytes(content)
    onnx.save(model, folder / "model.onnx")
    clamp = {"active": Bound("Relu", "Relu", (0, 30), (0, 60))}
    facts = ActivationBounds(1, 64, 8, "0" * 64, 8, 0, 0.2, read.manifest.files["model.onnx"], clamp)
    hashes = {**read.manifest.files, "model.onnx": sha256(folder / "model.onnx")}
    bundles.write_manifest(folder, msgspec.structs.replace(read.manifest, files=hashes, bounds=facts))
    return folder


def arguments(bundle: Path, data: Path, out: Path, *more: str) -> list[str]:
    wanted = ["-n", "120", "--frames", "8", "--as-flown", "4", "--file-blocks", "0", "--out", str(out)]
    return ["seu", str(bundle), str(data), *wanted, *more]


def result(out: Path) -> dict:
    return json.loads((out / "result.json").read_text())


def test_clamps_and_known_answers_are_worth_something(
    small: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = bounded(small, tmp_path / "two")
    assert main(arguments(small, data, tmp_path / "out", "--bounded", str(two), "-n", "300")) == 0
    found = result(tmp_path / "out")
    plain, answered, clamped, both = found["protections"]
    assert plain["silent"]["hits"] > 10 > answered["silent"]["hits"]
    assert clamped["silent"]["hits"] > both["silent"]["hits"]
    assert plain["clamped"] is None
    assert 0 < clamped["clamped"]["hits"] < clamped["clamped"]["flips"]  # flips behind the clamp do harm as well
    assert clamped["clamped"]["flips"] == clamped["silent"]["hits"] + clamped["rejected"]["hits"]
    assert "without a flip, on 0 of 8 frames" in capsys.readouterr().out
    assert plain["wrong_s"] > 10 * answered["wrong_s"] > 0
    assert found["as_flown"]["judged"] == found["as_flown"]["same_outcome"] >= 4
    assert {"by_bit.png", "by_layer.png", "index.html"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_results_from_before_clamps_were_looked_at_go_on(small: Path, data: Path, tmp_path: Path) -> None:
    more = ["--bounded", str(bounded(small, tmp_path / "two")), "-n", "60", "--as-flown", "0"]
    words = arguments(small, data, tmp_path / "out", *more)
    assert main(words) == 0
    lines = tmp_path / "out" / "flips.jsonl"
    recorded = result(tmp_path / "out")["protections"]
    lines.write_bytes(re.sub(rb',"clamped":\d+', b"", lines.read_bytes()))
    assert main(words) == 0
    assert result(tmp_path / "out")["protections"] == [{**line, "clamped": None} for line in recorded]
    assert "not recorded" in (tmp_path / "out" / "index.html").read_text()


def test_killed_and_gone_on_with_gives_the_same(small: Path, data: Path, tmp_path: Path) -> None:
    assert main(arguments(small, data, tmp_path / "whole")) == 0
    out = tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "hil_tests", *arguments(small, data, out)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL)
    lines = out / "flips.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if lines.exists() and lines.read_bytes().count(b"\n") > 20:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = lines.read_bytes()
    kept = kept[: kept.rfind(b"\n", 0, 4 * len(kept) // 5) + 1]  # the kill may have come too late to leave some undone
    lines.write_bytes(kept + b'{"kind":"flip","number":15')  # what a power cut leaves of a line
    assert main(arguments(small, data, out)) == 0
    assert lines.read_bytes().startswith(kept + b'{"kind":"flip","number":')
    assert len(Results(lines, msgspec.json.decode(kept.splitlines()[0], type=Campaign)).records) == 120
    assert result(out) == result(tmp_path / "whole")


def test_two_processes_give_the_same_as_one(small: Path, data: Path, tmp_path: Path) -> None:
    assert main(arguments(small, data, tmp_path / "one", "-n", "40")) == 0
    assert main(arguments(small, data, tmp_path / "two", "-n", "40", "--workers", "2")) == 0
    assert result(tmp_path / "one") == result(tmp_path / "two")


def test_every_region_of_every_file_is_refused(small: Path) -> None:
    swept = regions.sweep(small, 16, 0)
    assert {each.file for each in swept} == {
        *("manifest.yaml", "manifest.sha256", "model.onnx", "scores.npy"),
        *("known_answer_64.png", "known_answer_128.png"),
    }
    for each in swept:
        assert each.refused + each.unchanged == each.flips >= 24, each
        assert not each.unchanged or (each.file == "manifest.sha256" and each.unchanged == 1)
    bundles.read(small)  # the original was not touched


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--bounded", "{bundle}"], "has no clamps"),
        (["--frames", "9"], "8 frames give a window, 9 are asked for"),
        (["--bits", "9"], "--bits"),
        (["-n", "0"], "-n"),
        (["--rate", "0.001"], "finer than 40 calibration frames"),
        (["--rate", "2"], "--rate"),
        (["--boxes", "absent.csv"], "absent.csv"),
    ],
)
def test_what_cannot_be_used_is_told(
    small: Path, data: Path, tmp_path: Path, more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.format(bundle=small) for word in more]
    assert main(arguments(small, data, tmp_path / "out", *given)) == 2
    assert told in capsys.readouterr().err


def test_another_campaign_is_not_mixed_in(
    small: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(small, data, tmp_path / "out", "-n", "10")) == 0
    assert main(arguments(small, data, tmp_path / "out", "-n", "10", "--seed", "1")) == 2
    assert "holds another campaign (" in capsys.readouterr().err
