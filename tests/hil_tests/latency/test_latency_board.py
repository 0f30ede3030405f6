"""The board's state: what throttles is seen, what is absent is named; pages leave the cache, or it is said."""

import subprocess
from pathlib import Path

from hil_tests.latency import board, page_cache
from hil_tests.latency.statistics import statistics


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_throttling_is_told_from_a_fan_that_turns(tmp_path: Path) -> None:
    put(tmp_path, "sys/class/thermal/cooling_device0/type", "pwm-fan\n")
    put(tmp_path, "sys/class/thermal/cooling_device0/cur_state", "3\n")
    put(tmp_path, "sys/class/thermal/cooling_device1/type", "cpufreq-cpu0\n")
    put(tmp_path, "sys/class/thermal/cooling_device1/cur_state", "0\n")
    put(tmp_path, "sys/class/hwmon/hwmon2/oc1_event_cnt", "7\n")
    before = board.state(tmp_path)
    assert board.throttled(before, board.state(tmp_path)) == "none"
    put(tmp_path, "sys/class/hwmon/hwmon2/oc1_event_cnt", "9\n")
    assert board.throttled(before, board.state(tmp_path)) == "oc1_event_cnt 7 to 9"
    put(tmp_path, "sys/class/thermal/cooling_device1/cur_state", "2\n")
    hot = board.state(tmp_path)
    assert "cpufreq-cpu0 (cooling_device1) 2" in board.throttled(hot, hot)  # all the time


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    told = board.describe(tmp_path)
    for name in ("model", "L4T", "governor", "CPU clock range, kHz", "device clock ranges, Hz"):
        assert told[name] == "not there"
    assert "nothing here tells" in board.throttled(board.state(tmp_path), board.state(tmp_path))
    put(tmp_path, "sys/class/devfreq/17000000.gpu/min_freq", "918000000\n")
    put(tmp_path, "sys/class/devfreq/17000000.gpu/max_freq", "918000000\n")
    assert board.describe(tmp_path)["device clock ranges, Hz"] == "17000000.gpu fixed at 918000000"


def test_a_percentile_needs_values_beyond_it() -> None:
    assert statistics(list(map(float, range(99))))["p99"] is None
    assert statistics(list(map(float, range(100))))["p99"] is not None


def test_what_is_left_in_the_page_cache_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x" * 100_000)
    assert page_cache.resident(tmp_path / "model.onnx") == (25, 25)
    told = page_cache.drop([tmp_path], "files")
    left, _ = page_cache.resident(tmp_path / "model.onnx")
    assert told == f"bundle and engine dropped; of 25 pages of bundle and engine {left} were still there"
    kind = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True).stdout.strip()
    assert left == 0 or kind in ("tmpfs", "ramfs")  # those have no other place
    assert page_cache.drop([tmp_path], "keep") == "kept, as configured"
