"""UTC is stepped under a flying node, as by NTP's first answer or by command: nothing but UTC stamps moves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onboard import strict_yaml
from onboard.fly.config import NodeConfig
from onboard.sources.ring_writer import RingWriter
from onboard.telemetry.lines import lines
from onboard.telemetry.reading import Packet, packets
from tests.onboard.fly.conftest import message, picture

pytest.importorskip("spacepackets")
REPOSITORY = Path(__file__).parents[3]
RUN = b"0123456789abcdef"
DAY_S = 86_400

# No test may set the machine's clock, so the node's process has one of its own: Python runs this file at its start.
CLOCK = """
import datetime, os, time

real, seconds, nanoseconds = datetime.datetime, time.time, time.time_ns

def shift_s():
    with open(os.environ["UTC_SHIFT"]) as file:
        return float(file.read())

class Shifted(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(seconds=shift_s())

datetime.datetime = Shifted
time.time = lambda: seconds() + shift_s()
time.time_ns = lambda: nanoseconds() + round(shift_s() * 1e9)
"""


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def test_a_step_of_utc_by_days_changes_nothing_but_utc_stamps(
    configured: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    config = configured(
        deadline_ms=3_600_000, output__event_s=3600, output__summary_s=0.1, health__known_answer_s=0.1,
        telemetry={"to": {"kind": "file"}, "apid": 9, "housekeeping_s": 0.1},
        watchdog={"period_s": 0.05, "hung_after": 1000},
    )  # fmt: skip
    (tmp_path / "node.yaml").write_text(strict_yaml.dump(config))
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)
    shift, verdicts, out = tmp_path / "shift", tmp_path / "out" / "verdicts.jsonl", tmp_path / "out"

    def step(days: int) -> None:
        (tmp_path / "next").write_text(str(days * DAY_S))
        (tmp_path / "next").replace(shift)

    step(0)
    found = os.pathsep.join((str(tmp_path / "clock"), str(REPOSITORY)))
    node = subprocess.Popen(
        [sys.executable, "-m", "onboard", "fly", str(tmp_path / "node.yaml")],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": found, "UTC_SHIFT": str(shift)},
    )
    try:
        with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as camera:
            for n, days in enumerate((0, 0, 2, 2, -3, -3)):
                step(days)
                camera.write(*message(RUN, 2 * n, picture(n)))  # every other id never comes: an event for the throttle
                _wait_until(lambda wanted=n: len(_lines(verdicts)) > wanted)
                written = (out / "telemetry.bin").stat().st_size
                _wait_until(
                    lambda before=written: (out / "telemetry.bin").stat().st_size > before + 1000
                )  # housekeeping
    finally:
        node.send_signal(signal.SIGTERM)
        node.communicate(timeout=60)
    assert node.returncode == 0

    page, events = json.loads((out / "summary.json").read_text()), _lines(out / "events.jsonl")
    assert (page["frames"]["answered"], page["frames"]["skipped"], page["deadline"]["missed"]) == (6, {}, 0)
    assert page["journal"]["agrees"]
    assert page["health"]["known_answers"]["asked"] > 3 and page["health"]["known_answers"]["wrong"] == 0
    assert page["events"]["gap"] == 5
    assert [each["event"] for each in events].count("gap") == 1  # throttled for an hour, whatever UTC says
    assert not {"part_late", "part_hung", "clock_ahead", "clock_drift"} & set(page["events"])

    data = (out / "telemetry.bin").read_bytes()
    found_packets = [each for each in packets(data) if isinstance(each, Packet)]
    assert [each.sequence for each in found_packets] == list(range(len(found_packets)))
    assert not [each for each in lines(data, 130) if each["kind"] in ("gap", "garbage", "malformed", "unknown")]
    days = [round((each.time["utc_s"] - time.time()) / DAY_S) for each in found_packets]
    assert list(dict.fromkeys(days)) == [0, 2, -3]  # the step was there
    stamps = [each["monotonic_ns"] for each in events]
    assert stamps == sorted(stamps)  # which order what UTC does not
