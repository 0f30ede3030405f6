"""A frame that comes behind a later id of its run has its record and verdict, and is told of wherever one looks."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.summary import Summary, text
from onboard.sources.ring_writer import RingWriter
from onboard.telemetry.lines import lines
from tests.onboard.fly.conftest import message, picture

RUN = b"0123456789abcdef"


@pytest.mark.parametrize("together", [False, True])
def test_a_reordered_frame_is_recorded_judged_and_told_of(
    configured: Callable[..., NodeConfig], calibrated: Path, tmp_path: Path, together: bool
) -> None:
    pytest.importorskip("spacepackets")
    out, telemetry = tmp_path / "out", {"to": {"kind": "file"}, "apid": 9}
    config = configured(bundle=str(calibrated), telemetry=telemetry)
    with RingWriter(tmp_path / "camera", 8, 96 * 96 * 3) as writer, parts_of(config) as parts:
        loop, summary = Loop(parts), Summary(parts)
        for frame_id in (0, 2, 1, 3):
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            if not together:
                loop.turn(5.0)
        loop.turn(0.01)
        page = summary.last()
    told = {each["frame_id"]: each for each in map(json.loads, (out / "verdicts.jsonl").read_text().splitlines())}
    assert sorted(told) == [0, 1, 2, 3]
    assert (told[1]["status"], told[1]["reason"]) == (("SKIPPED", "superseded") if together else ("ANSWERED", None))
    assert "track" not in told[1] and told[3]["track"]["frames"] == 4
    assert page["journal"]["agrees"]
    assert (page["frames"]["received"], page["frames"]["reordered"], page["frames"]["not_recorded"]) == (4, 1, {})
    assert page["journal"]["runs"][RUN.hex()]["reordered"] == page["events"]["reordered"] == 1
    assert "1  of these behind a later id" in text(page)
    (event,) = [each for each in map(json.loads, (out / "events.jsonl").read_text().splitlines())
                if each["event"] == "reordered"]  # fmt: skip
    assert event["level"] == "warning" and f"frame 1 of run {RUN.hex()}" in event["detail"]
    packets = list(lines((out / "telemetry.bin").read_bytes(), 130))
    assert [each["name"] for each in packets if each["kind"] == "event"] == ["gap", "reordered"]
    assert [each["reordered"] for each in packets if each["kind"] == "housekeeping"][-1] == 1
