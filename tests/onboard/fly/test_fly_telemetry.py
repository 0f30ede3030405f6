"""Telemetry in flight: it tells what the verdicts tell, and whatever befalls it, the loop goes on."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.summary import Summary
from onboard.messages import Status
from onboard.sources.ring_writer import RingWriter
from onboard.telemetry.lines import lines
from tests.onboard.fly.conftest import message, picture

pytest.importorskip("spacepackets")
REPOSITORY = Path(__file__).parents[3]
RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]


def flown(config: NodeConfig, tmp_path: Path, frames: int = 12) -> dict[str, Any]:
    """A short flight, every fourth frame of it without a box; gives the last summary."""
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as camera, parts_of(config) as parts:
        loop, summary = Loop(parts), Summary(parts)
        for frame_id in range(frames):
            box = None if frame_id % 4 == 3 else (20.0, 20.0, 60.0, 60.0)
            camera.write(*message(RUN, frame_id, picture(frame_id), box))
            loop.turn(5.0)
            summary.when_due()
        loop.turn(0.01)
        return summary.last()


def test_packets_tell_what_verdicts_tell(configured: Configured, calibrated: Path, tmp_path: Path) -> None:
    telemetry = {"to": {"kind": "file"}, "apid": 9, "pose_outputs": ["rotation"], "housekeeping_s": 0.1}
    page = flown(configured(bundle=str(calibrated), telemetry=telemetry, output__event_s=0), tmp_path)
    out = tmp_path / "out"
    told = list(lines((out / "telemetry.bin").read_bytes(), 130))
    verdicts = [json.loads(line) for line in (out / "verdicts.jsonl").read_text().splitlines()]
    packets = [each for each in told if each["kind"] == "verdict"]
    assert not [each for each in told if each["kind"] in ("gap", "garbage", "malformed", "unknown")]
    assert len(packets) == len(verdicts) == 12
    for packet, verdict in zip(packets, verdicts, strict=True):
        for name in ("run", "frame_id", "status", "reason", "exposure_start_ns", "exposure_end_ns", "logit", "p_value"):
            assert packet[name] == verdict.get(name)
        assert packet["is_debris"] == verdict["is_debris"]
        box = [packet[side] for side in ("x_min", "y_min", "x_max", "y_max")]
        assert box == (verdict["box"] or [None] * 4)
        track = verdict["track"]
        assert [packet[f"track_{name}"] for name in ("frames", "is_debris", "beyond_horizon")] == [
            track[name] for name in ("frames", "is_debris", "beyond_horizon")
        ]
        assert (packet["track_alarm_frame"] or None, packet["track_value"]) == (track["alarm_frame"], track["value"])
    poses = {each["frame_id"]: each["values"] for each in told if each["kind"] == "pose"}
    assert poses == {each["frame_id"]: each["outputs"]["rotation"][0] for each in verdicts if "outputs" in each}
    last = [each for each in told if each["kind"] == "housekeeping"][-1]
    assert (last["received"], last["answered"], last["rejected"], last["journal_agrees"]) == (12, 9, 3, 1)
    assert last["total_p50_ms"] == pytest.approx(page["latency_ms"]["total"]["p50"])
    assert all(last[f"{stage}_max_ms"] is not None for stage in page["latency_ms"])
    assert (last["drift_tracks"], last["events"]) == (page["drift"]["tracks"], sum(page["events"].values()))
    written = [json.loads(line)["event"] for line in (out / "events.jsonl").read_text().splitlines()]
    assert [each["name"] for each in told if each["kind"] == "event"] == written


def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        return int(closed.getsockname()[1])


@pytest.mark.parametrize("to", ["full disk", "closed port"])
def test_what_befalls_telemetry_does_not_befall_the_loop(configured: Configured, tmp_path: Path, to: str) -> None:
    where = {
        "full disk": {"kind": "file", "path": "/dev/full"},
        "closed port": {"kind": "udp", "host": "127.0.0.1", "port": port()},
    }[to]
    page = flown(configured(telemetry={"to": where, "apid": 9}, output__event_s=0), tmp_path)
    assert len((tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()) == 12
    assert (page["frames"]["received"], page["journal"]["agrees"]) == (12, True)
    assert page["verdicts_dropped"]["file"] == 0
    assert page["telemetry"]["dropped"] > 0
    assert page["events"]["output_lost" if to == "full disk" else "telemetry_dropped"] > 0


def test_an_error_in_making_packets_is_counted_and_no_more(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onboard.telemetry import numbers

    monkeypatch.delitem(numbers.STATUSES, Status.REJECTED)  # a fault of the table, as a later status would be
    page = flown(configured(telemetry={"to": {"kind": "file"}, "apid": 9}, output__event_s=0), tmp_path)
    assert len((tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()) == 12
    assert (page["telemetry"]["failed"], page["events"]["telemetry_failed"]) == (3, 3)
    told = lines((tmp_path / "out" / "telemetry.bin").read_bytes(), 130)
    assert sum(each["missing"] for each in told if each["kind"] == "gap") == 3


def test_outputs_that_verdicts_do_not_carry_are_refused(configured: Configured, tmp_path: Path) -> None:
    telemetry = {"to": {"kind": "file"}, "apid": 9, "pose_outputs": ["position"]}
    with pytest.raises(InputError, match=r"telemetry\.pose_outputs: 'position' is no output of the pose network"):
        flown(configured(telemetry=telemetry), tmp_path)


def test_without_the_library_a_node_flies_unless_it_is_asked_for(configured: Configured, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    without = tmp_path / "without.py"
    without.write_text(
        "import sys\nsys.modules['spacepackets'] = None\n"
        "from onboard.__main__ import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    for asked in (None, {"to": {"kind": "file"}, "apid": 9}):
        config = configured(telemetry=asked, source={"kind": "folder", "folder": str(tmp_path / "frames")})
        path = tmp_path / "node_without.yaml"
        path.write_text(strict_yaml.dump(config))
        done = subprocess.run(
            [sys.executable, str(without), "fly", str(path)],
            cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY), "PATH": ""}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2
        assert ("debris-rider[telemetry]" in done.stderr) == (asked is not None), done.stderr
