import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from train.synth.config import SynthConfig
from train.synth.rotation import Array, matrix

Rendered = tuple[Path, SynthConfig]


def table(path: Path) -> tuple[list[str], list[str], Array]:
    """Header, file names and numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, [row[0] for row in rows], np.array([row[1:] for row in rows], float)


@pytest.fixture(params=["satellite", "debris"])
def track(rendered: Rendered, request: pytest.FixtureRequest) -> Path:
    (found,) = (rendered[0] / "tracks").glob(f"{request.param}_00_*")
    return found


def test_every_frame_has_a_box_and_a_pose(track: Path) -> None:
    frames = sorted(path.name for path in track.glob("*.jpg"))
    assert frames == [f"frame_{i:04d}.jpg" for i in range(30)]
    header, names, _ = table(track / "boxes.csv")
    assert header == ["filename", "x_min", "y_min", "x_max", "y_max"]
    assert names == frames
    header, names, _ = table(track / "poses.csv")
    assert header == ["filename", "qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m"]
    assert names == frames


def test_the_body_s_origin_projects_into_its_box(track: Path) -> None:
    camera = yaml.safe_load((track / "track.yaml").read_text())["camera"]
    _, _, boxes = table(track / "boxes.csv")
    _, _, poses = table(track / "poses.csv")
    for (x0, y0, x1, y1), (tx, ty, tz) in zip(boxes, poses[:, 4:], strict=True):
        x = camera["fx_px"] * tx / tz + camera["cx_px"]
        y = camera["fy_px"] * ty / tz + camera["cy_px"]
        # The origin is the middle of the body's extent, and so in the middle half of the box, or nearly.
        assert abs(x - (x0 + x1) / 2) <= 0.3 * (x1 - x0) + 1
        assert abs(y - (y0 + y1) / 2) <= 0.3 * (y1 - y0) + 1


def test_the_motion_is_smooth_and_real(track: Path) -> None:
    _, _, boxes = table(track / "boxes.csv")
    _, _, poses = table(track / "poses.csv")
    rotations = [matrix(q) for q in poses[:, :4]]
    steps = [np.degrees(np.arccos(np.clip((np.trace(b @ a.T) - 1) / 2, -1, 1))) for a, b in pairwise(rotations)]
    assert sum(steps) > 20
    assert max(steps) < 10
    assert max(steps) < 1.5 * min(steps)
    distance = np.linalg.norm(np.diff(poses[:, 4:], axis=0), axis=1)
    assert distance.max() < 1.01 * distance.min() + 1e-6
    assert np.abs(np.diff(boxes, axis=0)).max() < 12


def test_the_file_says_what_it_is(track: Path) -> None:
    about = yaml.safe_load((track / "track.yaml").read_text())
    word, _, kind = track.name.split("_", 2)
    assert about["kind"] == kind
    assert about["class"] == ("debris" if word == "debris" else kind)
    assert (about["frames"], about["frame_period_ms"]) == (30, 100)
