"""The whole path on the real SPARK sample: the verdicts' logits are the training side's."""

import csv
from pathlib import Path

import msgspec
import numpy as np
import pytest

from onboard import Detector, image
from onboard.config import FlightConfig, Output, Source
from onboard.messages import Status, Verdict
from onboard.node import VERDICTS, run
from train import runs
from train.boxes import write_boxes
from train.config import load
from train.data.config import SparkData
from train.evaluate import PREDICTIONS, evaluate
from train.export.bundle import export
from train.fit import fit
from train.views.recipe import Recipe

CONFIG = Path(__file__).parents[2] / "configs" / "spark_sample.yaml"


@pytest.fixture(scope="module")
def sample_run(spark_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    path = folder / "run"
    overrides = {"data.root": str(spark_sample), "cache": str(folder / "cache")}
    # One view instead of sixteen: the path is the same, and a test must not take minutes.
    fit(msgspec.structs.replace(load(CONFIG, overrides), augment=(Recipe(),)), path)
    config = runs.read_config(path)
    result = evaluate(path, config)
    export(path, config)
    assert result["test"] == {"normal": 200, "anomalous": 57}
    # A crop, channel or box gone wrong takes it far below.
    assert result["last_epoch"]["auroc"] > 0.9
    return path


@pytest.fixture(scope="module")
def trained_logits(sample_run: Path) -> dict[str, float]:
    with (sample_run / PREDICTIONS).open() as file:
        return {row["key"]: float(row["logit"]) for row in csv.DictReader(file)}


def test_every_verdict_has_the_training_sides_logit(
    sample_run: Path, trained_logits: dict[str, float], spark_sample: Path, tmp_path: Path
) -> None:
    boxes = tmp_path / "boxes.csv"
    assert write_boxes(SparkData(str(spark_sample)), "val", spark_sample / "val", boxes) == 257
    config = FlightConfig(
        bundle=str(sample_run / "bundle"),
        source=Source(str(spark_sample / "val"), str(boxes)),
        output=Output(str(tmp_path / "out")),
    )
    run(config)
    lines = (tmp_path / "out" / VERDICTS).read_bytes().splitlines()
    verdicts = [msgspec.json.decode(line, type=Verdict) for line in lines]
    assert len(verdicts) == 257 and all(verdict.status is Status.ANSWERED for verdict in verdicts)
    differences = [abs((v.logit or np.nan) - trained_logits[f"val/{v.frame}"]) for v in verdicts]
    assert max(differences) < 1e-4


def test_whole_frame_mixed_up_box_and_swapped_channels_change_the_answer(
    sample_run: Path, trained_logits: dict[str, float], spark_sample: Path
) -> None:
    """Each mistake moves most logits by far more than runtimes differ, and spoils the detection."""
    detector = Detector.load(sample_run / "bundle")
    with (spark_sample / "val.csv").open() as file:
        rows = list(csv.DictReader(file))[::4]
    moved: dict[str, list[float]] = {"whole frame": [], "row and column": [], "BGR": []}
    for row in rows:
        frame = image.read(spark_sample / "val" / row["filename"])
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
