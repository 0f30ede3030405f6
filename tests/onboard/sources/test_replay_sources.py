"""Folders and videos as sources: every frame in its order, or those that are due."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from onboard.errors import InputError
from onboard.messages import Status
from onboard.sources import Settled, Source, SourceFrame, open_source
from onboard.sources.config import FolderConfig, VideoConfig


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = tmp_path / "frames"
    frames.mkdir()
    rows = ["filename,x_min,y_min,x_max,y_max", "gone.png,1,1,2,2"]
    for n in range(6):
        cv2.imwrite(str(frames / f"{n}.png"), np.full((8, 8, 3), n, np.uint8))
        rows.append(f"{n}.png,1,1,{n + 2},5")
    (frames / "3.png").write_bytes(b"no image")
    (frames / "boxes.csv").write_text("\n".join(rows[:-1]))  # none for the last
    return frames


def all_of(source: Source, work_s: float = 0.0) -> list[SourceFrame | Settled]:
    items: list[SourceFrame | Settled] = []
    while not source.ended:
        items += source.take(0.05).items
        time.sleep(work_s)
    return items


def test_a_folder_gives_every_frame_once(folder: Path) -> None:
    items = all_of(open_source(FolderConfig(str(folder))))
    assert [item.frame_id for item in items] == list(range(7))
    assert [item.name for item in items] == [f"{n}.png" for n in range(6)] + ["gone.png"]
    told = {item.name: (item.status, item.reason) for item in items if isinstance(item, Settled)}
    assert told == {
        "3.png": (Status.REJECTED, "frame_unusable"),
        "gone.png": (Status.REJECTED, "frame_missing"),
    }
    frames = [item for item in items if isinstance(item, SourceFrame)]
    assert [int(item.pixels[0, 0, 0]) for item in frames] == [0, 1, 2, 4, 5]
    assert (frames[2].box, frames[2].box_source) == ((1, 1, 4, 5), "sidecar")
    assert (frames[4].box, frames[4].box_source) == (None, None)


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_a_node_slower_than_the_rate_passes_over_what_it_has_no_time_for(kind: str, folder: Path, video: Path) -> None:
    config = FolderConfig(str(folder), rate_hz=100) if kind == "folder" else VideoConfig(str(video), rate_hz=100)
    items = all_of(open_source(config), work_s=0.028)
    assert [item.frame_id for item in items] == list(range(7 if kind == "folder" else 12))
    passed = [item for item in items if isinstance(item, Settled) and item.reason == "superseded"]
    assert len(passed) >= 3
    exposures = [item.exposure_start_ns for item in items if isinstance(item, SourceFrame)]
    off_ns = (np.diff(exposures) + 5) % 10_000_000  # they were due every 10 ms, whenever they were read
    assert (off_ns <= 10).all()


def test_a_node_fast_enough_gets_every_frame_when_it_is_due(video: Path) -> None:
    source = open_source(VideoConfig(str(video), rate_hz=60))
    assert source.take(0.0).items  # the first is due at once
    assert not source.take(0.0).items
    start = time.monotonic()
    items = all_of(source)
    assert len(items) == 11
    assert time.monotonic() - start > 9 / 60


def test_a_video_gives_its_frames_in_rgb(video: Path) -> None:
    source = open_source(VideoConfig(str(video)))
    for n in range(12):
        (item,) = source.take(0).items
        assert isinstance(item, SourceFrame)
        assert item.pixels.shape == (48, 64, 3)
        assert item.frame_id == n
        assert np.allclose(item.pixels.mean((0, 1)), [20 * n, 100, 30], atol=4)
    assert source.take(0).items == ()
    assert source.ended


@pytest.mark.parametrize("contents", [None, b"no video"])
def test_a_video_that_cannot_be_read(tmp_path: Path, contents: bytes | None) -> None:
    path = tmp_path / "a.mp4"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(InputError, match=r"a\.mp4"):
        open_source(VideoConfig(str(path)))


def test_a_name_that_no_verdict_can_carry_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "\udcff.png").write_bytes(b"")  # the byte 0xff, which UTF-8 has nowhere
    with pytest.raises(InputError, match=r"udcff.png' is no text in UTF-8"):
        open_source(FolderConfig(str(tmp_path), boxes=False))
