"""A source without boxes, through the whole node."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from onboard.finder.boxes import overlap
from onboard.fly.config import NodeConfig
from onboard.fly.start import fly

_DARK = (6, 7)


def place(frame_id: int) -> tuple[int, int, int, int]:
    return 100 + 5 * frame_id, 120, 170 + 5 * frame_id, 175


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Twelve frames of an object that moves through noise; two show the noise alone. No boxes."""
    folder = tmp_path / "frames"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for frame_id in range(12):
        frame = np.clip(draw.normal(20, 3, (300, 400, 3)), 0, 255).astype(np.uint8)
        if frame_id not in _DARK:
            x_min, y_min, x_max, y_max = place(frame_id)
            frame[y_min:y_max, x_min:x_max] = 150
        cv2.imwrite(str(folder / f"{frame_id:02d}.png"), frame)
    return folder


def test_a_folder_without_boxes_is_answered(
    configured: Callable[..., NodeConfig], frames: Path, tmp_path: Path
) -> None:
    page = fly(configured(source={"kind": "folder", "folder": str(frames), "boxes": False}, finder={}))
    verdicts = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert [each["status"] for each in verdicts] == ["ANSWERED"] * 12
    assert [each["box_source"] for each in verdicts] == ["tracker" if n in _DARK else "finder" for n in range(12)]
    for each in verdicts:
        assert overlap(tuple(each["box"]), place(each["frame_id"])) > 0.7
        assert 0 < each["stage_ns"]["find"] < each["stage_ns"]["total"]
    assert page["latency_ms"]["find"]["p50"] > 0
    assert page["journal"]["agrees"]


def test_without_a_finder_they_are_rejected(configured: Callable[..., NodeConfig], frames: Path) -> None:
    page = fly(configured(source={"kind": "folder", "folder": str(frames), "boxes": False}))
    assert page["frames"]["rejected"] == {"no_box": 12}
    assert "find" not in page["latency_ms"]


def test_a_given_box_is_not_looked_for(configured: Callable[..., NodeConfig], frames: Path, tmp_path: Path) -> None:
    rows = [f"{n:02d}.png,20,20,80,80" for n in range(12) if n != 3]
    (frames / "boxes.csv").write_text("\n".join(["filename,x_min,y_min,x_max,y_max", *rows]))
    fly(configured(source={"kind": "folder", "folder": str(frames)}, finder={}))
    verdicts = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert [each["box_source"] for each in verdicts] == ["sidecar"] * 3 + ["finder"] + ["sidecar"] * 8
    assert [each["stage_ns"]["find"] > 0 for each in verdicts] == [n == 3 for n in range(12)]


def test_the_reason_says_what_was_seen(configured: Callable[..., NodeConfig], frames: Path, tmp_path: Path) -> None:
    for path in frames.glob("*.png"):
        if int(path.stem) not in _DARK:
            path.unlink()
    fly(configured(source={"kind": "folder", "folder": str(frames), "boxes": False}, finder={}))
    verdicts = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert {each["reason"] for each in verdicts} == {"no_box"}
    assert all("nothing like an object" in each["detail"] for each in verdicts)
