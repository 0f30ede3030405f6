"""Histogram, lines of a file, events: what the loop leans on for months."""

import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from onboard import strict_yaml
from onboard.event import Event, Events
from onboard.fly.config import NodeConfig
from onboard.fly.event_log import EventLog
from onboard.fly.histogram import Histogram
from onboard.fly.storage import LineFile, Storage

REPOSITORY = Path(__file__).parents[3]


def test_percentiles_are_at_most_a_sixteenth_above_the_truth() -> None:
    times = np.random.default_rng(0).lognormal(14, 2, 5003).astype(np.int64)
    histogram = Histogram()
    for spent in times:
        histogram.add(int(spent))
    for share in (0.5, 0.99, 0.999):
        truth = int(np.percentile(times, 100 * share, method="inverted_cdf"))
        assert truth <= histogram.percentile(share) <= truth * (1 + 1 / 16)
    assert histogram.percentile(1.0) == histogram.longest == times.max()


@pytest.mark.parametrize("spent", [-5, 0, 1, 15, 16, 31, 32, 1 << 43, 1 << 80])
def test_any_time_has_a_bucket(spent: int) -> None:
    histogram = Histogram()
    histogram.add(spent)
    assert histogram.percentile(0.5) == max(0, min(spent, (1 << 44) - 1))


def test_a_file_of_lines_goes_on_behind_half_a_line_and_makes_way_when_full(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a"')  # as a killed process leaves it
    storage = Storage(1000)
    file = LineFile(storage, path, 1000, Events())
    for n in range(150):
        file.add(b"%08d" % n)
    storage.close()
    file.close()
    assert file.dropped == 0
    older = (tmp_path / "lines.1.jsonl").read_bytes().splitlines()
    newer = path.read_bytes().splitlines()
    assert older[:3] == [b'{"a": 1}', b'{"a"', b"00000000"]
    assert older[2:] + newer == [b"%08d" % n for n in range(150)]


def test_a_storage_that_hangs_drops_lines_and_never_waits(tmp_path: Path) -> None:
    storage, events = Storage(10), Events()
    file = LineFile(storage, tmp_path / "lines.jsonl", 1000, events)
    storage.offer(lambda: time.sleep(0.5))
    start = time.monotonic()
    for _ in range(100):
        file.add(b"line")
    assert time.monotonic() - start < 0.3
    storage.close()
    file.close()
    assert (file.dropped, (tmp_path / "lines.jsonl").read_bytes().count(b"\n")) == (91, 9)
    assert [event.name for event in events.take()] == ["output_lost"] * 91


def test_a_storage_that_hangs_keeps_no_more_than_so_many_bytes(tmp_path: Path) -> None:
    storage, events, goes_on = Storage(1000, most_bytes=1000), Events(), threading.Event()
    path = tmp_path / "lines.jsonl"
    file = LineFile(storage, path, 1_000_000, events)

    def hang() -> None:
        storage.offer(lambda: [goes_on.wait(20)].clear())

    hang()
    for n in range(10):
        file.add(b"%d" % n * 300)
    assert file.dropped == 7  # three take 900 bytes
    assert [event.name for event in events.take()] == ["output_lost"] * 7
    file.add(b"short")
    goes_on.set()
    end = time.monotonic() + 10
    while path.read_bytes().count(b"\n") < 4:
        assert time.monotonic() < end
        time.sleep(0.01)
    done = threading.Event()
    assert storage.offer(done.set)
    assert done.wait(10)  # and all of them are counted as done
    goes_on.clear()
    hang()
    file.add(b"x" * 5000)  # larger than all may be, and alone
    file.add(b"no room")
    assert file.dropped == 8
    goes_on.set()
    storage.close()
    file.close()
    assert [len(line) for line in path.read_bytes().splitlines()] == [300, 300, 300, 5, 5000]


def test_a_file_stays_open_for_a_storage_that_hung_when_it_was_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboard.fly.storage._CLOSE_S", 0.05)
    storage, goes_on = Storage(10), threading.Event()
    file = LineFile(storage, tmp_path / "lines.jsonl", 1000, Events())
    storage.offer(lambda: [goes_on.wait(5)].clear())
    file.add(b"late")
    storage.close()
    file.close()
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)  # would get the descriptor's number
    goes_on.set()
    monkeypatch.undo()
    storage.close()
    assert storage.ended
    os.close(other)
    assert (tmp_path / "lines.jsonl").read_bytes() == b"late\n"
    assert (tmp_path / "other").read_bytes() == b""
    file.close()


def test_events_are_throttled_by_name_but_not_the_fatal_ones(tmp_path: Path) -> None:
    storage = Storage(100)
    file = LineFile(storage, tmp_path / "events.jsonl", 10_000, Events())
    log = EventLog(file, 0.2)
    log.write([Event("gap", "first"), *[Event("gap", "more")] * 5, *[Event("unavailable", "all over")] * 2])
    time.sleep(0.25)
    log.write([Event("gap", "later")])
    storage.close()
    file.close()
    told = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [(each["event"], each["level"], each["left_out"]) for each in told] == [
        ("gap", "warning", 0), ("unavailable", "fatal", 0), ("unavailable", "fatal", 0), ("gap", "warning", 5),
    ]  # fmt: skip
    assert log.counts == {"gap": 7, "unavailable": 2}


def test_the_configuration_that_is_shown_can_be_read() -> None:
    config = strict_yaml.load(REPOSITORY / "configs" / "node.yaml", NodeConfig)
    assert config.stale_ms == 1000


def test_a_full_file_that_no_new_one_can_follow_is_replaced_once_that_is_possible(tmp_path: Path) -> None:
    """As on a disk without a free inode: the old file has its new name by then, and there is no other."""
    folder = tmp_path / "out"
    storage, events = Storage(1000), Events()
    file = LineFile(storage, folder / "lines.jsonl", 50, events)
    moved = tmp_path / "moved"
    folder.rename(moved)
    folder.write_bytes(b"")  # in the folder's place, so that nothing can be opened there
    for n in range(10):
        file.add(b"%08d" % n)
    until_empty(storage)
    folder.unlink()
    file.add(b"00000010")
    file.add(b"00000011")
    storage.close()
    file.close()
    assert (file.dropped, bool(events.take())) == (0, True)
    assert (moved / "lines.jsonl").read_bytes().splitlines() == [b"%08d" % n for n in range(11)]
    assert (folder / "lines.jsonl").read_bytes() == b"00000011\n"


def until_empty(storage: Storage) -> None:
    done = threading.Event()
    storage.offer(done.set)
    assert done.wait(5.0)
