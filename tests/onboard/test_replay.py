"""Replays, by the command line: every frame and every row gets one verdict, whatever state they are in."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from onboard import image, strict_yaml
from onboard.__main__ import main
from onboard.config import Source
from onboard.errors import InputError
from onboard.hold import held
from onboard.messages import Status, Verdict
from onboard.replay import items, read_boxes

REPOSITORY = Path(__file__).parents[2]
HEADER = "filename,x_min,y_min,x_max,y_max"
CONFIG = """
bundle: {bundle}
source: {{folder: {folder}, {source}}}
output: {{folder: {out}}}
false_alarm_rate: {rate}
"""


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (90, 120, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good frames with their boxes."""
    frames = tmp_path / "frames"
    frames.mkdir()
    for name in ("a.png", "b.jpg"):
        cv2.imwrite(str(frames / name), picture(len(name)))
    (frames / "boxes.csv").write_text(f"{HEADER}\na.png,10,10,60,50\nb.jpg,20,10,60.5,50\n")
    return frames


@pytest.fixture
def call(fitted: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Write a config, run a replay in this process; gives the exit code and what was printed."""

    def run(*options: str, source: str = "", rate: float = 0.1) -> tuple[int, str]:
        path = folder.parent / "flight.yaml"
        out = folder.parent / "out"
        path.write_text(CONFIG.format(bundle=fitted / "bundle", folder=folder, out=out, source=source, rate=rate))
        code = main(["run", str(path), *options])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def verdicts(out: Path) -> list[Verdict]:
    lines = (out / "verdicts.jsonl").read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    return [msgspec.json.decode(line, type=Verdict) for line in lines]


def spoil(folder: Path) -> dict[str, tuple[Status, str | None]]:
    """Add all that can be wrong with a frame or its row; gives what each shall come to."""
    (folder / "deep").mkdir()
    (folder / "frame.png").mkdir()
    good = cv2.imencode(".jpg", picture(9))[1].tobytes()
    (folder / "truncated.jpg").write_bytes(good[: len(good) // 2])
    (folder / "empty.png").touch()
    cv2.imwrite(str(folder / "grey.png"), picture(1)[..., 0])
    cv2.imwrite(str(folder / "deep" / "wide.png"), picture(1).repeat(2, axis=1))
    for name in ("deep/no_row.png", "nan.png", "inverted.png", "outside.png"):
        cv2.imwrite(str(folder / name), picture(2))
    long = "x" * 300 + ".png"
    with (folder / "boxes.csv").open("a") as file:
        for name in ("frame.png", "truncated.jpg", "empty.png", "grey.png", "./deep/wide.png", "missing.png", long):
            file.write(f"{name},10,10,60,50\n")
        file.write("nan.png,nan,10,60,50\ninverted.png,60,10,10,50\noutside.png,500,10,600,50\n")
    rejected = {
        "frame.png": "frame_unusable",
        "truncated.jpg": "frame_unusable",
        "empty.png": "frame_unusable",
        "grey.png": "frame_unusable",
        "deep/wide.png": "frame_wrong_size",
        "missing.png": "frame_missing",
        long: "frame_unusable",
        "deep/no_row.png": "no_box",
        "nan.png": "box_not_finite",
        "inverted.png": "box_empty",
        "outside.png": "box_outside_frame",
    }
    answered: dict[str, tuple[Status, str | None]] = dict.fromkeys(("a.png", "b.jpg"), (Status.ANSWERED, None))
    return answered | {name: (Status.REJECTED, reason) for name, reason in rejected.items()}


def test_every_frame_and_every_row_gets_one_verdict(call: Callable[..., tuple[int, str]], folder: Path) -> None:
    wanted = spoil(folder)
    code, printed = call("--annotate", source="frame_size_px: [120, 90]")
    assert code == 0, printed
    out = folder.parent / "out"
    found = verdicts(out)
    assert [v.frame for v in found] == sorted(wanted)
    assert {v.frame: (v.status, v.reason) for v in found} == wanted
    assert [v.frame_id for v in found] == list(range(len(found))) and len({v.run for v in found}) == 1
    for verdict in found:
        answered = verdict.status is Status.ANSWERED
        assert (verdict.detail is None) == answered == (verdict.logit is not None)
        assert verdict.is_debris == (verdict.p_value <= 0.1 if answered and verdict.p_value else None)
        assert (verdict.box_source is None) == (verdict.frame == "deep/no_row.png")
        assert verdict.stage_ns.total >= verdict.stage_ns.read + verdict.stage_ns.window + verdict.stage_ns.infer
    assert found[0].box == (10, 10, 60, 50)
    readable = {
        "a.png", "b.jpg", "deep/wide.png", "nan.png", "inverted.png", "outside.png",
    }  # fmt: skip
    pictures = (out / "annotated").rglob("*.png")
    assert {p.relative_to(out / "annotated").as_posix().removesuffix(".png") for p in pictures} == readable
    assert (cv2.imread(str(out / "annotated" / "a.png.png")) != cv2.imread(str(folder / "a.png"))).any()

    summary = msgspec.json.decode((out / "summary.json").read_bytes())
    assert summary["frames"] == len(wanted) == sum(summary["statuses"].values())
    assert summary["statuses"]["ANSWERED"] == 2 and summary["statuses"]["REJECTED (frame_unusable)"] == 5
    assert summary["called_debris"] == sum(bool(v.is_debris) for v in found)
    assert summary["latency_ms"]["infer"]["max"] == max(v.stage_ns.infer for v in found) / 1e6
    assert f"{len(wanted)} frames" in printed and "2  ANSWERED" in printed

    assert summary["complete"] is True
    record = strict_yaml.parse((out / "run.yaml").read_text(), "run.yaml")
    assert record["config"]["false_alarm_rate"] == 0.1 and record["config"]["runtime"] == {"threads": 1, "engine": None}
    assert record["provenance"]["bundle_sha256"] == found[0].bundle and record["provenance"]["versions"]["onnxruntime"]


def test_output_among_the_frames_is_refused(call: Callable[..., tuple[int, str]], folder: Path) -> None:
    code, printed = call("--out", str(folder / "results"))
    assert code == 2 and "lies in the folder of frames" in printed and not (folder / "results").exists()


def test_grey_frames_are_judged_on_request(call: Callable[..., tuple[int, str]], folder: Path) -> None:
    cv2.imwrite(str(folder / "a.png"), picture(1)[..., 0])
    assert call(source="grey: replicate")[0] == 0
    assert {v.status for v in verdicts(folder.parent / "out")} == {Status.ANSWERED}


def test_verdicts_are_not_overwritten_unasked(call: Callable[..., tuple[int, str]], folder: Path) -> None:
    assert call()[0] == 0
    before = (folder.parent / "out" / "verdicts.jsonl").read_bytes()
    code, printed = call()
    assert code == 2 and "verdicts.jsonl: already there" in printed and "--overwrite" in printed
    assert (folder.parent / "out" / "verdicts.jsonl").read_bytes() == before
    assert call("--overwrite")[0] == 0
    assert (folder.parent / "out" / "verdicts.jsonl").read_bytes() != before
    assert len(verdicts(folder.parent / "out")) == 2


@pytest.mark.parametrize(("rate", "needed"), [(0.05, 19), (0.0624, 16), (1e-3, 999)])
def test_a_false_alarm_rate_finer_than_the_calibration_is_refused(
    call: Callable[..., tuple[int, str]], rate: float, needed: int
) -> None:
    code, printed = call(rate=rate)
    assert code == 2 and f"false_alarm_rate: {rate:g} is finer than 15 calibration frames" in printed
    assert f"at least {needed} frames" in printed
    assert call(rate=1 / 16)[0] == 0


@pytest.mark.parametrize("name", ["", "verdicts.jsonl", "summary.json", "annotated"])
def test_an_output_that_cannot_be_written_is_named(
    call: Callable[..., tuple[int, str]], folder: Path, name: str
) -> None:
    # Even the superuser cannot write a folder where a file lies, or a file where a folder lies.
    blocked = folder.parent / "out" / name
    if name.endswith((".json", ".jsonl")):
        blocked.mkdir(parents=True)
    else:
        blocked.parent.mkdir(exist_ok=True)
        blocked.touch()
    for out in {blocked, blocked / "deep"} if name == "" else {blocked.parent}:
        code, printed = call("--annotate", "--overwrite", "--out", str(out))
        assert code == 2 and printed.startswith("error: ")
        assert str(blocked) in printed and "cannot be written" in printed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["x_min, y_min, x_max, y_max are missing", "found nothing"]),
        ("filename,x_min,y_min,x_max\na.png,1,2,3\n", ["columns y_max are missing", "found filename, x_min"]),
        (f"{HEADER}\na.png,1,2,3,4\nb.png,1,2,3,4\na.png,1,2,3,4\n", [":4: 'a.png' stands twice"]),
        (f"{HEADER}\na.png,1,2,3,4\n./a.png,1,2,3,4\n", [":3: 'a.png' stands twice"]),
        (f"{HEADER}\na.png,1,2,3,4\nb.png,1,two,3,4\n", [":3: four numbers", "'two'"]),
        (f"{HEADER}\na.png,1,2,3\n", [":2: four numbers", "cells are missing"]),
        (f"{HEADER},X_min\na.png,1,2,3,4,0\n", ["more than one column is named 'x_min'"]),
        (f"{HEADER}\na.png,1,2,3,4\n\0\0,,,,\n", [":3: damaged: holds zero bytes"]),
        (f"{HEADER}\na.png,1,2,,4\n", [":2: four numbers"]),
        (f"{HEADER}\na.png,1,5,2,5,30,5,40,5\n", [":2: 9 cells for 5 columns", "with a point"]),
        (f"{HEADER}\n,1,2,3,4\n", [":2: '' is not allowed"]),
        (f"{HEADER}\n../a.png,1,2,3,4\n", [":2: '../a.png' is not allowed", "below the folder"]),
        (f"{HEADER}\n/tmp/a.png,1,2,3,4\n", [":2: '/tmp/a.png' is not allowed"]),
        (HEADER.encode("utf-16"), ["not a CSV text file"]),
    ],
)
def test_a_sidecar_that_cannot_be_read_is_named_with_its_line(
    folder: Path, text: str | bytes, parts: list[str]
) -> None:
    path = folder / "boxes.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        items(Source(folder=str(folder)))
    for part in (str(path), *parts):
        assert part in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        f"\ufeff{HEADER}\na b.png,1,2,3,4\n",
        f"{HEADER}\r\na b.png,1,2,3,4\r\n",
        f'\ufeff{HEADER}\r\n\r\n"a b.png", 1, 2, 3, 4',
        'label, x_max , y_min, x_min, y_max, filename\nsat, 3, 2, 1, 4, "a b.png"\n',
        f"{HEADER}\n./a b.png,1,2,3.0,4e0\n",
        f"{HEADER}\na b.png,1,2,3,4,, \n",
    ],
)
def test_sidecars_as_spreadsheets_and_people_write_them(tmp_path: Path, data: str) -> None:
    (tmp_path / "b.csv").write_bytes(data.encode())
    assert read_boxes(tmp_path / "b.csv") == {"a b.png": (1, 2, 3, 4)}


def test_folders_without_frames_or_boxes_are_named(call: Callable[..., tuple[int, str]], folder: Path) -> None:
    (folder.parent / "bare").mkdir()
    for options, why in (
        (("--frames", str(folder.parent / "none")), f"{folder.parent / 'none'}: no such folder of frames"),
        (("--frames", str(folder.parent / "bare")), "boxes.csv: the boxes' file cannot be read"),
        (("--frames", str(folder.parent / "bare"), "--boxes", str(folder / "boxes.csv")), "bare: holds no image"),
        (("--boxes", str(folder)), "the boxes' file cannot be read"),
        (("--bundle", str(folder.parent / "none")), "no such bundle folder"),
    ):
        code, printed = call(*options)
        assert code == 2 and printed.startswith("error: ") and why in printed
    (folder / "boxes.csv").write_text(f"{HEADER}\nother/a.png,1,2,3,4\n")
    code, printed = call()
    assert code == 2 and "'other/a.png'" in printed and "'a.png'" in printed
    assert not (folder.parent / "out").exists()


def python_m_onboard(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "onboard", *map(str, arguments)]


def test_verify_as_a_command(bundle: Path) -> None:
    done = subprocess.run(python_m_onboard("verify", bundle), capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0 and "all hashes match, 8 known answers given" in done.stdout
    (bundle / "model.onnx").write_bytes(b"other")
    done = subprocess.run(python_m_onboard("verify", bundle), capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"error: {bundle / 'model.onnx'}: ") and "Traceback" not in done.stderr


def test_a_verdict_is_in_the_file_before_the_next_frame_is_read(
    call: Callable[..., tuple[int, str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def read(path: Path, grey: image.Grey) -> image.Frame:
        seen.append(len(verdicts(folder.parent / "out")))
        return picture(0)

    monkeypatch.setattr(image, "read", read)
    assert call()[0] == 0 and seen == [0, 1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_keeps_the_verdicts_so_far(fitted: Path, folder: Path, number: signal.Signals) -> None:
    names = [f"{n:05}.png" for n in range(4000)]
    for name in names:
        os.link(folder / "a.png", folder / name)
    (folder / "boxes.csv").write_text("\n".join([HEADER, *(f"{name},10,10,60,50" for name in names)]))
    config, out = folder.parent / "flight.yaml", folder.parent / "out"
    config.write_text(CONFIG.format(bundle=fitted / "bundle", folder=folder, out=out, source="", rate=0.1))
    process = subprocess.Popen(python_m_onboard("run", config), stderr=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        end = time.monotonic() + 30
        while not ((out / "verdicts.jsonl").exists() and len((out / "verdicts.jsonl").read_bytes()) > 5000):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130 and said.startswith("stopped; the verdicts so far are kept"), said
    kept = verdicts(out)
    assert [v.frame_id for v in kept] == list(range(len(kept))) and 5 <= len(kept) < len(names)
    assert all(v.status is Status.ANSWERED and v.logit is not None for v in kept)
    assert msgspec.json.decode((out / "summary.json").read_bytes())["frames"] == len(kept)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_not_lost_in_code_that_swallows_an_interrupt(
    call: Callable[..., tuple[int, str]], folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    read = image.read

    def swallowing(*given: Any) -> Any:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        return read(*given)

    monkeypatch.setattr("onboard.replay_run.image.read", swallowing)
    code, printed = call()
    assert code == 130 and "stopped; the verdicts so far are kept" in printed
    assert len(verdicts(folder.parent / "out")) == 1


def test_two_replays_do_not_write_into_one_file(call: Callable[..., tuple[int, str]], folder: Path) -> None:
    out = folder.parent / "out" / "verdicts.jsonl"
    assert call()[0] == 0
    before = out.read_bytes()
    with held(out.parent, "output.folder"):
        code, said = call("--overwrite")
        assert code == 2 and f"process {os.getpid()} writes there already" in said
        assert out.read_bytes() == before
    assert call("--overwrite")[0] == 0
    assert len(out.read_bytes().splitlines()) == 2
