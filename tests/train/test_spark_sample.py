"""The whole path on every third image of the real SPARK sample: the verdicts' logits are the training side's."""

import csv
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from onboard import Detector, image
from onboard.config import FlightConfig, Output, Source
from onboard.messages import Status, Verdict
from onboard.replay_run import VERDICTS, run
from train import runs
from train.boxes import write_boxes
from train.config import load
from train.data.config import SparkData
from train.evaluate import PREDICTIONS, evaluate
from train.export.bundle import export
from train.fit import fit
from train.views.recipe import Recipe

CONFIG = Path(__file__).parents[2] / "configs" / "spark_sample.yaml"


@dataclass(frozen=True)
class Sample:
    """A third of the real data, in its own layout: which images, and the run on them."""

    root: Path
    run: Path

    def rows(self, part: str) -> list[dict[str, str]]:
        with (self.root / f"{part}.csv").open() as file:
            return list(csv.DictReader(file))


def third(whole: Path, root: Path) -> None:
    """Copy every third image of each part, with its row: the path is the same, and a test must not take minutes."""
    for part in ("train", "val"):
        header, *rows = (whole / f"{part}.csv").read_text().splitlines()
        (root / part).mkdir(parents=True)
        (root / f"{part}.csv").write_text("\n".join([header, *rows[::3]]) + "\n")
        for row in csv.DictReader([header, *rows[::3]]):
            shutil.copy(whole / part / row["filename"], root / part)


@pytest.fixture(scope="module")
def sample(spark_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    made = Sample(folder / "data", folder / "run")
    third(spark_sample, made.root)
    overrides = {"data.root": str(made.root), "cache": str(folder / "cache"), "crop.input_px": 160}
    # One view instead of thirty-six, and half of the pixels, for the same reason.
    fit(msgspec.structs.replace(load(CONFIG, overrides), augment=(Recipe(),)), made.run)
    config = runs.read_config(made.run)
    result = evaluate(made.run, config)
    export(made.run, config)
    debris = Counter(row["class"] == "debris" for row in made.rows("val"))
    assert result["test"] == {"normal": debris[False], "anomalous": debris[True]} and debris[True] > 10
    # A crop, channel or box gone wrong takes it far below. In one view there are nine directions, and 0.96 was seen.
    assert result["last_epoch"]["auroc"] > 0.9
    return made


@pytest.fixture(scope="module")
def trained_logits(sample: Sample) -> dict[str, float]:
    with (sample.run / PREDICTIONS).open() as file:
        return {row["key"]: float(row["logit"]) for row in csv.DictReader(file)}


def test_every_verdict_has_the_training_sides_logit(
    sample: Sample, trained_logits: dict[str, float], tmp_path: Path
) -> None:
    boxes = tmp_path / "boxes.csv"
    count = len(sample.rows("val"))
    assert write_boxes(SparkData(str(sample.root)), "val", sample.root / "val", boxes) == count > 80
    config = FlightConfig(
        bundle=str(sample.run / "bundle"),
        source=Source(str(sample.root / "val"), str(boxes)),
        output=Output(str(tmp_path / "out")),
    )
    run(config)
    lines = (tmp_path / "out" / VERDICTS).read_bytes().splitlines()
    verdicts = [msgspec.json.decode(line, type=Verdict) for line in lines]
    assert len(verdicts) == count and all(verdict.status is Status.ANSWERED for verdict in verdicts)
    differences = [abs((v.logit or np.nan) - trained_logits[f"val/{v.frame}"]) for v in verdicts]
    assert max(differences) < 1e-4


def test_whole_frame_mixed_up_box_and_swapped_channels_change_the_answer(
    sample: Sample, trained_logits: dict[str, float]
) -> None:
    """Each mistake moves most logits by far more than runtimes differ, and spoils the detection."""
    detector = Detector.load(sample.run / "bundle")
    moved: dict[str, list[float]] = {"whole frame": [], "row and column": [], "BGR": []}
    for row in sample.rows("val")[::2]:
        frame = image.read(sample.root / "val" / row["filename"])
        r_min, c_min, r_max, c_max = (float(v) for v in row["bbox"].strip("[]").split(","))
        right = trained_logits[f"val/{row['filename']}"]
        for name, answer in {
            "whole frame": detector(frame, (0, 0, frame.shape[1], frame.shape[0])),
            "row and column": detector(frame, (r_min, c_min, r_max, c_max)),
            "BGR": detector(np.ascontiguousarray(frame[..., ::-1]), (c_min, r_min, c_max, r_max)),
        }.items():
            moved[name].append(abs((answer.logit if answer.logit is not None else 1e9) - right))
    for name, values in moved.items():
        assert np.median(values) > 0.05, name
