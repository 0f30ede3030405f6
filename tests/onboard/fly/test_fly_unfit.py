"""Frames and boxes that get no verdict: the pose network takes them all the same."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onboard import bundle as bundles
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import BOX, message, picture

RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]
Box = tuple[float, float, float, float]


def flown(config: NodeConfig, folder: Path, *boxes: Box) -> list[dict[str, Any]]:
    with parts_of(config) as parts, RingWriter(folder / "camera", 4, 96 * 96 * 3) as writer:
        loop = Loop(parts)
        for n, box in enumerate(boxes):
            writer.write(*message(RUN, n, picture(n), box))
            loop.turn(1.0)
    return [json.loads(line) for line in (folder / "out" / "verdicts.jsonl").read_text().splitlines()]


def test_frames_of_another_size_than_the_calibration_s_get_no_verdict(
    configured: Configured, calibrated: Path, tmp_path: Path
) -> None:
    manifest = bundles.read(calibrated).manifest
    assert manifest.calibration is not None and manifest.calibration.frame is not None
    frame = msgspec.structs.replace(manifest.calibration.frame, frame_px=(640, 480))
    made = msgspec.structs.replace(manifest.calibration, frame=frame)
    bundles.write_manifest(calibrated, msgspec.structs.replace(manifest, calibration=made))
    (told,) = flown(configured(bundle=str(calibrated)), tmp_path, BOX)
    assert (told["status"], told["reason"]) == ("REJECTED", "frame_wrong_size")
    assert "calibrated on frames of 640 x 480 px" in told["detail"]
    assert told["outputs"]["rotation"] and told["logit"] is None  # the pose network takes it


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((10.0, math.nan, 14.0, math.nan), "box_not_finite"),
        ((10.0, 10.0, 14.0, 5.0), "box_empty"),
        ((-100.0, -100.0, -96.0, -96.0), "box_outside_frame"),
        ((10.0, 10.0, 14.0, 14.0), "box_too_small"),
    ],
)
@pytest.mark.parametrize("poses", [True, False])
def test_a_box_that_makes_no_sense_is_not_called_small(
    configured: Configured, tmp_path: Path, box: Box, reason: str, poses: bool
) -> None:
    (told,) = flown(configured(**({} if poses else {"output__pose_outputs": []})), tmp_path, box)
    assert (told["status"], told["reason"]) == ("REJECTED", reason)


@pytest.mark.parametrize("poses", [True, False])
def test_boxes_that_are_too_small_get_no_verdict(configured: Configured, tmp_path: Path, poses: bool) -> None:
    config = configured(sanity__least_box_px=12.0, **({} if poses else {"output__pose_outputs": []}))
    told = flown(config, tmp_path, (40.0, 40.0, 51.9, 45.0), (40.0, 40.0, 52.0, 45.0))
    assert [(each["status"], each["reason"]) for each in told] == [("REJECTED", "box_too_small"), ("ANSWERED", None)]
    assert "11.9 px" in told[0]["detail"] and "sanity.least_box_px is 12" in told[0]["detail"]
    assert told[0]["logit"] is None and told[0]["p_value"] is None
    assert ("rotation" in told[0].get("outputs", {})) is poses
    assert (told[0]["stage_ns"]["infer"] > 0) is poses  # nothing is computed that nobody asks for
