"""What the self-test says of the box of the source's frame: as the node would settle it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from onboard import bundle as bundles
from onboard.fly.config import NodeConfig
from onboard.selftest import source
from onboard.selftest.check import Check
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import small as small

Configured = Callable[..., NodeConfig]


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """One frame: dark space and one bright object of 40 x 30 px."""
    scene = np.random.default_rng(0).integers(0, 8, (96, 96, 3)).astype(np.uint8)
    scene[30:60, 20:60] = 200
    (folder := tmp_path / "frames").mkdir()
    cv2.imwrite(str(folder / "a.png"), scene)
    return folder


@pytest.fixture
def looked(configured: Configured, small: Path, frames: Path) -> Callable[..., Check]:
    def look(boxes: Any = False, **more: Any) -> Check:
        where = {"kind": "folder", "folder": str(frames), "boxes": boxes}
        return source.check(configured(source=where, **more), bundles.read(small), 2.0)

    return look


def test_a_frame_without_a_box_is_shown_to_the_finder(looked: Callable[..., Check], frames: Path) -> None:
    found = looked(finder={})
    assert found.passed and "from finder" in found.detail and "no_box" not in found.detail
    cv2.imwrite(str(frames / "a.png"), np.random.default_rng(0).integers(0, 8, (96, 96, 3)))
    found = looked(finder={})
    assert found.passed and "without a box: it will be REJECTED(no_box), nothing" in found.detail


def test_a_source_that_never_gives_boxes_needs_a_finder(looked: Callable[..., Check], frames: Path) -> None:
    found = looked()
    assert not found.passed and found.detail.endswith("nor will any frame of this source have one; set 'finder: {}'")
    (sidecar := frames / "boxes.csv").write_text("filename,x_min,y_min,x_max,y_max\nb.png,1,2,30,40\n")
    cv2.imwrite(str(frames / "b.png"), cv2.imread(str(frames / "a.png")))
    found = looked(str(sidecar))  # other frames have one
    assert found.passed and "it will be REJECTED(no_box), for there is no finder" in found.detail


def test_a_box_that_is_too_small_is_said_and_fails_where_all_would_be(
    looked: Callable[..., Check], frames: Path
) -> None:
    (sidecar := frames / "boxes.csv").write_text("filename,x_min,y_min,x_max,y_max\na.png,20,30,26,35\n")
    found = looked(str(sidecar))
    assert found.passed and "REJECTED(box_too_small), 6 px on its longer side" in found.detail
    found = looked(str(sidecar), sanity__least_box_px=97)
    assert not found.passed and "none gets a verdict: box_too_small, 96 px" in found.detail
