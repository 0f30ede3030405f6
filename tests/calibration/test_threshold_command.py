import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from calibration import rewrite
from calibration.__main__ import main
from onboard import bundle as bundles
from onboard import conformal, image
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.normal_scores import FrameRule

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def root(drawn: Any) -> Path:
    """A small data set in the SPARK-2022 layout."""
    return Path(drawn.root)


def calibrate(call: Call, bundle: Path, data: Path, *more: object) -> tuple[int, str]:
    options = ("--part", "val", "--ignore-debris", "--kept-back", 0)
    return call("threshold", bundle, data, *options, *more)


def test_a_calibrated_bundle_decides_by_its_new_scores(call: Call, bundle: Path, root: Path) -> None:
    before = bundles.read(bundle)
    code, said = calibrate(call, bundle, root, "--false-alarm-rate", 0.1)
    assert code == 0 and "18 normal frames; left out: 12 debris" in said
    after = Detector.load(bundle)
    found = after.bundle.manifest.calibration
    assert found is not None and found.frame is not None
    (group,) = found.frame.groups
    assert (group.frames, group.rank, after.calibration_frames) == (18, 1, 18)
    assert after.bundle.contents["model.onnx"] == before.contents["model.onnx"]
    rule = FrameRule.at(after.bundle)
    assert rule is not None and rule.limits == (1 / 19,)
    # Another rate needs no new calibration, but what 18 frames cannot hold is refused.
    other = FrameRule.at(after.bundle, 0.2)
    assert other is not None and other.limits == (3 / 19,)
    with pytest.raises(InputError, match="at least 19 frames"):
        FrameRule.at(after.bundle, 0.05)
    frame = image.read(next((root / "val").glob("*.png")))
    answer = after(frame, (20.0, 20.0, 120.0, 120.0))
    assert answer.anomaly_score is not None
    assert answer.p_value == conformal.p_value(
        after.bundle.sorted_scores(group.scores, np.float32), answer.anomaly_score
    )


def test_again_is_nothing_and_a_resumed_cache_gives_the_same(call: Call, light: Path, root: Path) -> None:
    assert calibrate(call, light, root, "--false-alarm-rate", 0.1)[0] == 0
    first = bundles.read(light).sha256
    (cache,) = (light.with_name(f"{light.name}_calibration")).glob("scores_*.jsonl")
    lines = cache.read_bytes().splitlines(keepends=True)
    cache.write_bytes(b"".join(lines[:7]) + lines[7][:20])  # killed while it wrote the eighth
    assert calibrate(call, light, root, "--false-alarm-rate", 0.1)[0] == 0
    assert bundles.read(light).sha256 == first
    assert cache.read_bytes().splitlines(keepends=True) == lines


def test_each_size_keeps_its_own_promise(call: Call, light: Path, root: Path, tmp_path: Path) -> None:
    data, rate = Path(shutil.copytree(root / "val", tmp_path / "frames")), 0.2
    rows = ["filename,x_min,y_min,x_max,y_max,class"]
    for number, path in enumerate(sorted(data.glob("*.png"))):
        side = 40 if number % 2 else 150
        rows.append(f"{path.name},100,100,{100 + side},{100 + side},a")
    (data / "boxes.csv").write_text("\n".join(rows) + "\n")
    options = ("--kept-back", 0, "--false-alarm-rate", rate, "--by-size")
    code, said = call("threshold", light, data, *options)
    assert code == 0 and "0 to 64 px" in said and "64 px and more" in said
    assert "fewer than 4 frames" in said
    made = bundles.read(light)
    rule = FrameRule.at(made)
    assert rule is not None and made.manifest.calibration is not None and made.manifest.calibration.frame is not None
    small, large = made.manifest.calibration.frame.groups
    assert (small.frames, large.frames, rule.limits) == (15, 15, (3 / 16, 3 / 16))
    for group, side in ((small, 63.0), (large, 64.0)):
        highest = float(made.sorted_scores(group.scores, np.float32)[-1])
        assert rule.scores.p_value(highest, (5, 5, 5 + side, 5 + side)) == 2 / 16


@pytest.mark.parametrize(
    ("column", "second", "said"),
    [
        (",Class", ",debris", "15 of 30 frames are labelled debris"),
        (",class", ",", "15 of 30 frames have no class"),
        (",x_max", ",7", "more than one column is named 'x_max'"),
    ],
)
def test_debris_or_boxes_that_a_column_hides_are_refused(
    call: Call, light: Path, root: Path, tmp_path: Path, column: str, second: str, said: str
) -> None:
    data = Path(shutil.copytree(root / "val", tmp_path / "frames"))
    rows = [f"filename,x_min,y_min,x_max,y_max{column}"]
    for number, path in enumerate(sorted(data.glob("*.png"))):
        rows.append(f"{path.name},100,100,200,200{second if number % 2 else ',a'}")
    (data / "boxes.csv").write_text("\n".join(rows) + "\n")
    code, told = call("threshold", light, data, "--kept-back", 0, "--false-alarm-rate", 0.2)
    assert code == 2 and said in told, told


def test_rejected_frames_are_told_with_their_reason(call: Call, light: Path, root: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(root / "val", tmp_path / "frames"))
    names = sorted(path.name for path in data.glob("*.png"))

    def calibrated(wrong: int) -> tuple[int, str]:
        rows = ["filename,x_min,y_min,x_max,y_max"]
        rows += [f"{name},100,100,{90 if number < wrong else 200},200" for number, name in enumerate(names)]
        (data / "boxes.csv").write_text("\n".join(rows) + "\n")
        return call("threshold", light, data, "--kept-back", 0, "--false-alarm-rate", 0.2)

    code, said = calibrated(2)
    assert code == 0 and "28 normal frames; left out: 2 rejected (box_empty)" in said
    code, said = calibrated(30)
    assert code == 2 and f"0 are left for the calibration (30 were rejected, {names[0]} for box_empty)" in said


def test_what_the_head_was_fitted_on_is_refused(call: Call, bundle: Path, root: Path, tmp_path: Path) -> None:
    code, said = call("threshold", bundle, root, "--part", "train", "--false-alarm-rate", 0.2)
    assert code == 2 and "fitted on 33 of its 48 images" in said and "--skip-fitted" in said
    options = ("--part", "train", "--false-alarm-rate", 0.2, "--skip-fitted", "--kept-back", 0)
    code, said = call("threshold", bundle, root, *options)
    assert code == 0 and "15 normal frames; left out: 33 fitted" in said
    # Under another name and in another folder it is the same image.
    copies = tmp_path / "copies"
    shutil.copytree(root / "train", copies / "val")
    shutil.copy(root / "train.csv", copies / "val.csv")
    code, said = call("threshold", bundle, copies, "--false-alarm-rate", 0.2)
    assert code == 2 and "fitted on 33" in said


def test_refusals(call: Call, light: Path, root: Path, tmp_path: Path) -> None:
    before = bundles.read(light).sha256

    def refused(*arguments: object) -> str:
        code, said = call("threshold", *arguments)
        assert code == 2 and said.startswith("error:") and said.count("\n") == 1, said
        return said

    rate = ("--false-alarm-rate", 0.1)
    assert "12 of 30 frames are labelled debris" in refused(light, root, "--part", "val", *rate)
    options = (light, root, "--part", "val", "--ignore-debris", "--kept-back", 0)
    assert "needs 999 normal frames, and 18 are left" in refused(*options, "--false-alarm-rate", 1e-3)
    said = refused(*options, "--false-alarm-rate", 1e-3, "--confidence", 0.95)
    assert "needs 2995 normal frames" in said and "0.1534" in said
    assert "no such folder" in refused(light, tmp_path / "nothing", *rate)
    assert "no such bundle" in refused(tmp_path / "nothing", root, *rate)
    (tmp_path / "empty").mkdir()
    assert "boxes.csv" in refused(light, tmp_path / "empty", *rate)
    assert bundles.read(light).sha256 == before


def test_frames_of_two_sizes_and_a_broken_one_are_refused(call: Call, light: Path, root: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(root, tmp_path / "data"))
    path = sorted((data / "val").glob("*.png"))[5]
    pixels = image.read(path)
    image.write(path, cv2.resize(pixels, (400, 400)))
    code, said = calibrate(call, light, data, "--false-alarm-rate", 0.1)
    assert code == 2 and "400 x 400 px" in said and path.name in said
    path.write_bytes(b"no image")
    code, said = calibrate(call, light, data, "--false-alarm-rate", 0.1)
    assert code == 2 and path.name in said


def test_a_bundle_whose_groups_do_not_fit_is_refused(call: Call, light: Path, root: Path) -> None:
    assert calibrate(call, light, root, "--false-alarm-rate", 0.1)[0] == 0
    manifest = bundles.read(light).manifest
    assert manifest.calibration is not None and manifest.calibration.frame is not None
    frame = manifest.calibration.frame
    for said, changed in (
        ("leave a gap", {"from_px": 10.0}),
        ("holds 18 scores, the manifest says 17", {"frames": 17}),
    ):
        groups = (msgspec.structs.replace(frame.groups[0], **changed),)
        calibration = msgspec.structs.replace(manifest.calibration, frame=msgspec.structs.replace(frame, groups=groups))
        bundles.write_manifest(light, msgspec.structs.replace(manifest, calibration=calibration))
        with pytest.raises(InputError, match=said):
            Detector.load(light)


def test_calibrations_of_one_bundle_at_once_leave_it_whole(bundle: Path, root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "calibration", "threshold", bundle, root, "--part", "val", "--ignore-debris"]
    rates = (0.1, 0.2)
    running = [
        subprocess.Popen(
            [*command, "--kept-back", "0", "--cache", tmp_path / "cache", "--false-alarm-rate", str(rate)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rate in rates
    ]
    said = [process.communicate()[1] for process in running]
    codes = [process.returncode for process in running]
    assert 0 in codes
    for code, words in zip(codes, said, strict=True):
        assert code == 0 or "another process" in words, words
    Detector.load(bundle)
    assert not list(bundle.parent.glob(f".{bundle.name}.*"))


def test_a_read_only_bundle_is_left_alone(call: Call, light: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewrite.os, "access", lambda *_: False)  # root may write anywhere
    before = bundles.read(light).sha256
    code, said = calibrate(call, light, root, "--false-alarm-rate", 0.1)
    assert code == 2 and "is read-only" in said and "chmod" in said
    assert bundles.read(light).sha256 == before
    assert not list(light.parent.glob(f".{light.name}.*"))


def test_another_export_tells_of_the_calibration_that_it_removes(
    call: Call, fitted: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from train import runs
    from train.export.bundle import export

    run = Path(shutil.copytree(fitted, tmp_path / "run"))
    assert calibrate(call, run / "bundle", root, "--false-alarm-rate", 0.1)[0] == 0
    (run / "bundle" / "engines").mkdir()
    export(run, runs.read_config(run))
    said = capsys.readouterr().err
    assert "its calibration ('python -m calibration threshold'" in said and "its engines" in said


def test_classes_that_the_head_was_not_fitted_on(call: Call, light: Path, root: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(root, tmp_path / "data"))
    table = data / "val.csv"
    table.write_text(table.read_text().replace("debris", "junk"))
    code, said = calibrate(call, light, data, "--false-alarm-rate", 0.1)
    assert code == 0 and "not fitted on: junk (12 frames)" in said
    # A bundle whose run named them anomalies knows better.
    manifest = bundles.read(light).manifest
    samples = {**manifest.training["samples"], "test": {"a": 6, "junk": 12}}
    training = {**manifest.training, "samples": samples}
    bundles.write_manifest(light, msgspec.structs.replace(manifest, training=training))
    code, said = call("threshold", light, data, "--part", "val", "--false-alarm-rate", 0.1, "--kept-back", 0)
    assert code == 2 and "12 of 30 frames are labelled debris (debris, junk)" in said
    code, said = calibrate(call, light, data, "--false-alarm-rate", 0.1)
    assert code == 0 and "18 normal frames; left out: 12 debris" in said and "not fitted on" not in said


@pytest.mark.parametrize("wrong", [("--seed", -1), ("--false-alarm-rate", 1e-320), ("--confidence", 1)])
def test_numbers_out_of_range(wrong: tuple[str, object], light: Path, root: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in ("threshold", light, root, "--false-alarm-rate", 0.1, *wrong)])
    assert stopped.value.code == 2


def test_nothing_is_written_into_the_bundle_s_folder(call: Call, light: Path, root: Path) -> None:
    for command, option in (("threshold", "--cache"), ("bounds", "--out"), ("validate", "--out")):
        rate = ("--false-alarm-rate", 0.1) if command == "threshold" else ()
        for place in (light, light / "inner"):
            code, said = call(command, light, root, *rate, option, place)
            assert code == 2 and "lies in the bundle's own folder" in said
    Detector.load(light)


def test_a_full_disk_leaves_the_bundle_and_no_half_copy(
    call: Call, light: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, to: Path, **_: object) -> None:
        to.mkdir()
        (to / "model.onnx").write_bytes(b"a part of it")
        raise shutil.Error([(str(source), str(to), "[Errno 28] No space left on device")])

    monkeypatch.setattr(rewrite.shutil, "copytree", full)
    before = bundles.read(light).sha256
    code, said = calibrate(call, light, root, "--false-alarm-rate", 0.1)
    assert code == 2 and "not all of it could be copied" in said and "the bundle is as it was" in said
    assert bundles.read(light).sha256 == before and not list(light.parent.glob(f".{light.name}.*"))
