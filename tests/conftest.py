"""What several test folders need: where the real data lies, a small data set, and a run and bundle made from it."""

import csv
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from onboard import image
from tests.once import made_once

REPOSITORY = Path(__file__).parent.parent
# A shell has what it starts with `&` ignore Ctrl-C, and so would the commands whose end by Ctrl-C is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
# In this order, the longest first. The short plan waits for its node most of its time: one busy process beside it, not
# two, or the node's scrubbing, which comes last on a busy core, is too late.
LONG = (
    "test_short_plan",
    "test_benchmark",
    "test_train_commands",
    "test_synth_resume",
    "test_pose_network",
    "test_threshold_command",
    "test_spark_sample",
    "test_trt_reference_networks",
    "test_watchdog",
    "test_fuse",
    "test_backbones",
    "test_bench_campaign",
    "test_extract",
    "test_flight_graph",
    "test_trt_build",
    "test_calibration_report",
    "test_synth_dataset",
    "test_int8_command",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, or one of two processes waits at the end for the other's last one."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Reference numbers and real data beside the repository; tests that need them skip where they are absent."""
    return Path(os.environ.get("DEBRIS_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def spark_sample(shared_folder: Path) -> Path:
    """The real SPARK-2022 sample; $DEBRIS_SPARK_SAMPLE may name another place."""
    folder = Path(os.environ.get("DEBRIS_SPARK_SAMPLE", shared_folder / "spark2022_sample"))
    if not (folder / "train.csv").exists():
        pytest.skip("the real SPARK sample is not here (set DEBRIS_SPARK_SAMPLE to its folder)")
    return folder


def draw_object(seed: int, debris: bool, side: int = 320) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Uint8 RGB [side, side, 3] with a striped rectangle (satellite) or a bent line (debris), and its box."""
    draw = np.random.default_rng(seed)
    frame = np.clip(draw.normal(20, 3, (side, side, 3)), 0, 255).astype(np.uint8)
    w, h = (int(v) for v in draw.integers(60, 140, 2))
    x, y = int(draw.integers(10, side - w - 10)), int(draw.integers(10, side - h - 10))
    colour = [int(v) for v in draw.integers(90, 250, 3)]
    if debris:
        points = np.column_stack([np.linspace(x, x + w, 8), draw.uniform(y, y + h, 8)]).astype(np.int32)
        cv2.polylines(frame, [points], False, colour, 4)
    else:
        cv2.rectangle(frame, (x, y), (x + w, y + h), colour, -1)
        for line in range(x, x + w, 9):
            cv2.line(frame, (line, y), (line, y + h), (10, 10, 40), 2)
    return frame, (x, y, x + w + 1, y + h + 1)


@dataclass(frozen=True)
class Drawn:
    """A small data set in the 2022 layout: 48 satellites of three classes to train on; 18 and 12 debris to test on."""

    root: Path


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Not to be changed: copy it."""
    return Drawn(made_once(tmp_path_factory, "drawn", _draw))


def _draw(root: Path) -> None:
    seed = 0
    for part, counts in (("train", {"a": 16, "b": 16, "c": 16}), ("val", {"a": 6, "b": 6, "c": 6, "debris": 12})):
        rows = []
        for label, count in counts.items():
            for _ in range(count):
                seed += 1
                frame, (x_min, y_min, x_max, y_max) = draw_object(seed, label == "debris")
                name = f"img{seed:04d}.png"
                image.write(root / part / name, frame)
                rows.append([name, label, f"[{y_min}, {x_min}, {y_max}, {x_max}]"])
        with (root / f"{part}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["filename", "class", "bbox"], *rows])


CONFIG = """
seed: 3
data: {{kind: spark, root: {root}, calibration_fraction: 0.3}}
crop: {{input_px: {input_px}}}
layers: [stage5]
head: {{kind: plume, preset: ours}}
fit: {{epochs: 4, batch: 16, learning_rate: 5e-4}}
cache: {cache}
"""


@pytest.fixture(scope="session")
def fitted(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the small data set, with its evaluation and its bundle. Not to be changed: copy it."""
    return made_once(tmp_path_factory, "runs", lambda folder: _fit(drawn, folder)) / "drawn"


def _fit(drawn: Drawn, folder: Path) -> None:
    from train import runs
    from train.evaluate import evaluate
    from train.export.bundle import export

    run = small_run(drawn, folder, input_px=128)  # a third of the pixels that the demo's network takes: nearly as good
    config = runs.read_config(run)
    evaluate(run, config)
    export(run, config)


def small_run(drawn: Drawn, folder: Path, input_px: int) -> Path:
    """A run on the small data set, in a folder of its own below `folder`."""
    from train.config import load
    from train.fit import fit

    path, run = folder / "drawn.yaml", folder / "drawn"
    path.write_text(CONFIG.format(root=drawn.root, input_px=input_px, cache=folder / "cache"))
    fit(load(path), run)
    return run


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation draws nothing, for a test that looks at no picture: matplotlib takes two thirds of its time."""
    for name in ("plots.score_histogram", "plots.roc", "mistakes_sheet"):
        monkeypatch.setattr(f"train.evaluate.{name}", lambda *_: None)


@pytest.fixture
def bundle(fitted: Path, tmp_path: Path) -> Path:
    """A copy of the small run's bundle that a test may spoil."""
    return Path(shutil.copytree(fitted / "bundle", tmp_path / "bundle"))
