"""Histogram, lines of a file, events: what the loop leans on for months."""

import errno
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from onboard import strict_yaml
from onboard.event import Event, Events
from onboard.fly.config import NodeConfig
from onboard.fly.event_log import EventLog
from onboard.fly.histogram import Histogram
from onboard.fly.line_file import LineFile
from onboard.fly.storage import Storage

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


def test_a_pipe_in_the_place_of_a_file_is_never_full(tmp_path: Path) -> None:
    """As root, a device in that place would be moved away from everybody: a pipe stands for it."""
    path = tmp_path / "lines.jsonl"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    storage, events = Storage(10), Events()
    file = LineFile(storage, path, 30, events)
    for n in range(9):
        file.add(b"x" * 9 + str(n).encode())
    storage.close()
    file.close()
    assert os.read(reader, 1000).count(b"\n") == 9 and path.is_fifo() and list(tmp_path.iterdir()) == [path]
    os.close(reader)


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
    assert sum(event.times for event in events.take() if event.name == "output_lost") == 91


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


def test_a_flood_of_one_event_costs_no_other_its_place_and_is_counted_whole(tmp_path: Path) -> None:
    storage, events = Storage(1000), Events()
    file = LineFile(storage, tmp_path / "events.jsonl", 100_000, events)
    log = EventLog(file, 10.0)
    events.add("scrub_failed", "a file is damaged")  # by the health thread, before the loop's turn ends
    for n in range(300):
        events.add("verdict_dropped", str(n))
    log.write(events.take())
    log.write([Event("verdict_dropped", "throttled"), *events.take()])
    storage.close()
    file.close()
    assert log.counts == {"scrub_failed": 1, "verdict_dropped": 301}
    told = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [(each["event"], each["detail"]) for each in told] == [
        ("scrub_failed", "a file is damaged"),
        ("verdict_dropped", "0"),
    ]


def test_of_fatal_events_beyond_those_that_are_kept_the_line_says_how_many_it_stands_for(tmp_path: Path) -> None:
    storage, events = Storage(1000), Events(most=2)
    file = LineFile(storage, tmp_path / "events.jsonl", 100_000, events)
    for n in range(5):
        events.add("scrub_failed", str(n))
    EventLog(file, 10.0).write(events.take())
    assert events.take() == []
    storage.close()
    file.close()
    told = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [(each["detail"], each["left_out"]) for each in told] == [("0", 0), ("1", 0), ("4", 2)]


def test_events_of_several_threads_are_all_counted() -> None:
    events, taken, done = Events(), list[Event](), threading.Event()

    def fill(name: str) -> None:
        for n in range(5000):
            events.add(name, str(n))

    def empty() -> None:
        while not done.is_set():
            taken.extend(events.take())

    fillers = [threading.Thread(target=fill, args=[name]) for name in ("gap", "scrub_failed", "gap")]
    emptier = threading.Thread(target=empty)
    for thread in (*fillers, emptier):
        thread.start()
    for thread in fillers:
        thread.join()
    done.set()
    emptier.join()
    counts = Counter[str]()
    for event in [*taken, *events.take()]:
        counts[event.name] += event.times
    assert counts == {"gap": 10_000, "scrub_failed": 5000}


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


@pytest.mark.parametrize("cuts", [True, False], ids=["cut back", "cannot be cut back"])
def test_a_line_that_a_full_disk_took_half_of_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuts: bool
) -> None:
    path, real, full = tmp_path / "lines.jsonl", os.write, [False]

    def cannot(*_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[: len(data) // 2] if full[0] else data))
    if not cuts:
        monkeypatch.setattr(os, "ftruncate", cannot)
    path.write_bytes(b'{"half"')  # of a killed process: a full disk may take half of what follows on it, too
    storage, events = Storage(100), Events()
    file = LineFile(storage, path, 1_000_000, events)
    for n, is_full in enumerate((True, False, True, True, False)):
        full[0] = is_full
        file.add(b'{"n":%d}' % n)
        until_empty(storage)
    storage.close()
    file.close()
    lines = path.read_bytes().splitlines()
    if cuts:
        assert lines == [b'{"half"', b'{"n":1}', b'{"n":4}']
    else:
        assert lines[0] == b'{"half"' and b'{"n":1}' in lines and lines[-1] == b'{"n":4}'
    assert (file.dropped, [event.name for event in events.take()]) == (3, ["output_lost"] * 3)


def until_empty(storage: Storage) -> None:
    done = threading.Event()
    storage.offer(done.set)
    assert done.wait(5.0)
