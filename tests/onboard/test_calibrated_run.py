import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml

from onboard import bundle as bundles
from onboard.__main__ import main
from onboard.calibration import Calibration, FrameThreshold, SizeGroup
from onboard.errors import InputError


def calibrated(
    bundle: Path, rate: float, confidence: float | None, rank: int, frame_px: tuple[int, int] = (320, 320)
) -> int:
    """Give a bundle a calibration on its own exported scores; gives their number."""
    read = bundles.read(bundle)
    name = read.manifest.calibration_scores
    assert name is not None
    scores = read.sorted_scores(name, np.float32)
    group = SizeGroup(0.0, None, len(scores), rank, float(scores[-rank]), name)
    frame = FrameThreshold(rate, confidence, (group,), frame_px, "model.onnx", "0" * 64, 0, 0.0, "2026-01-01")
    made = Calibration(read.manifest.files[read.manifest.model], frame)
    bundles.write_manifest(bundle, msgspec.structs.replace(read.manifest, calibration=made))
    return len(scores)


def flown(bundle: Path, drawn: Any, out: Path, more: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    frames = drawn.root / "val"
    boxes = out.parent / "boxes.csv"
    with (drawn.root / "val.csv").open(newline="") as file:
        labels = [(row["filename"], row["bbox"].strip("[]").split(",")) for row in csv.DictReader(file)]
    rows = [",".join([name, *(v.strip() for v in (c0, r0, c1, r1))]) for name, (r0, c0, r1, c1) in labels]
    boxes.write_text("\n".join(["filename,x_min,y_min,x_max,y_max", *rows]) + "\n")
    config = out.parent / "flight.yaml"
    config.write_text(
        f"bundle: {bundle}\nsource: {{folder: {frames}, boxes: {boxes}}}\noutput: {{folder: {out}}}\n{more}"
    )
    assert main(["run", str(config)]) == 0
    verdicts = [json.loads(line) for line in (out / "verdicts.jsonl").read_text().splitlines()]
    return verdicts, yaml.safe_load((out / "run.yaml").read_text())["decision"]


def test_the_node_goes_by_the_bundle_s_rate_and_by_another_on_request(bundle: Path, drawn: Any, tmp_path: Path) -> None:
    count = calibrated(bundle, 0.2, None, 3)
    assert count == 15
    verdicts, decision = flown(bundle, drawn, tmp_path / "a", "")
    assert decision == {"false_alarm_rate": 0.2, "confidence": None, "p_value_at_most": [3 / 16]}
    assert {v["is_debris"] for v in verdicts} == {True, False}
    assert all(v["is_debris"] == (v["p_value"] <= 3 / 16) for v in verdicts)
    other, decision = flown(bundle, drawn, tmp_path / "b", "false_alarm_rate: 0.5\nconfidence: 0.9\n")
    # P(Bin(15, 0.5) <= 4) is 0.059 and P(Bin(15, 0.5) <= 5) is 0.151.
    assert decision["p_value_at_most"] == [5 / 16]
    assert [v["p_value"] for v in other] == [v["p_value"] for v in verdicts]
    assert all(v["is_debris"] == (v["p_value"] <= 5 / 16) for v in other)


def test_frames_of_another_size_than_the_calibration_s_get_no_verdict(bundle: Path, drawn: Any, tmp_path: Path) -> None:
    calibrated(bundle, 0.2, None, 3, (640, 640))
    verdicts, _ = flown(bundle, drawn, tmp_path / "a", "")
    assert {(v["status"], v["reason"], v["is_debris"]) for v in verdicts} == {("REJECTED", "frame_wrong_size", None)}
    assert "calibrated on frames of 640 x 640 px" in verdicts[0]["detail"]


def test_a_calibration_goes_with_its_graph_alone(bundle: Path) -> None:
    calibrated(bundle, 0.2, None, 3)
    manifest = bundles.read(bundle).manifest
    assert manifest.calibration is not None
    other = msgspec.structs.replace(manifest.calibration, model_sha256="0" * 64)
    bundles.write_manifest(bundle, msgspec.structs.replace(manifest, calibration=other))
    with pytest.raises(InputError, match="calibrated for another graph"):
        bundles.read(bundle)
