"""Tracks and the drift monitor go on where a killed process left them."""

import itertools
import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onboard import bundle as bundles
from onboard import strict_yaml
from onboard.calibration import TrackStatistic
from onboard.drift import DriftMonitor
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.kept import Kept
from onboard.fly.storage import Storage
from onboard.fly.track_file import KeptTrack, TrackFile
from onboard.fly.tracks import MOST, Tracks
from onboard.messages import Answer, Status
from onboard.sources.ring_writer import RingWriter
from onboard.track import Track, TrackMemory, TrackRule
from tests.onboard.fly.conftest import message, picture

REPOSITORY = Path(__file__).parents[3]
RUNS = [b"0123456789abcdef", b"another run here"]


class Node:
    """A real process that flies, and the camera that it looks at."""

    def __init__(self, config: NodeConfig, folder: Path, camera: RingWriter) -> None:
        path = folder / "node_kept.yaml"
        path.write_text(strict_yaml.dump(config))
        self._verdicts, self._camera = folder / "out" / "verdicts.jsonl", camera
        self.process = subprocess.Popen(
            [sys.executable, "-m", "onboard", "fly", str(path)], cwd=REPOSITORY, stdout=subprocess.PIPE
        )

    def verdict(self, run: bytes, frame_id: int) -> dict[str, Any]:
        """The verdict on a frame, shown until it is there."""
        until, shown = time.monotonic() + 30, False
        while time.monotonic() < until:
            if not shown:
                self._camera.write(*message(run, frame_id, picture(frame_id)))
                shown = True
            lines = self._verdicts.read_text().splitlines() if self._verdicts.exists() else []
            for told in (json.loads(line) for line in lines if line.endswith("}")):
                if (told["run"], told["frame_id"]) == (run.hex(), frame_id):
                    return dict(told)
            time.sleep(0.01)
        raise AssertionError(f"no verdict on frame {frame_id}")


@contextmanager
def flying(config: NodeConfig, folder: Path, camera: RingWriter, ends_by: signal.Signals) -> Iterator[Node]:
    node = Node(config, folder, camera)
    try:
        yield node
        time.sleep(0.2)  # more than the storage thread sleeps
    finally:
        node.process.send_signal(ends_by)
        node.process.communicate(timeout=30)


def test_a_killed_node_goes_on_with_its_tracks_and_its_monitor(
    configured: Callable[..., NodeConfig], calibrated: Path, tmp_path: Path
) -> None:
    config = configured(bundle=str(calibrated), output__summary_s=0.2)
    rule = TrackRule.at(bundles.read(calibrated))
    assert rule is not None
    tracks, monitor = [Track(rule), Track(rule)], DriftMonitor.fresh(list(map(float, rule.maxima)))

    def same(which: int, told: dict[str, Any], missing: int = 0) -> None:
        for _ in range(missing):
            tracks[which].update(None, None)
        state = tracks[which].update(told["anomaly_score"], told["p_value"])
        if state.frames == rule.horizon_frames:
            monitor.update(state.highest)
        found = told["track"]
        assert (found["frames"], found["value"], found["p_value"]) == (state.frames, state.value, state.p_value)
        assert (found["is_debris"], found["alarm_frame"]) == (state.is_debris, state.alarm_frame)

    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as camera:
        with flying(config, tmp_path, camera, signal.SIGKILL) as node:
            for frame_id in range(6):
                same(0, node.verdict(RUNS[0], frame_id))
            for frame_id in range(2):
                same(1, node.verdict(RUNS[1], frame_id))
        with flying(config, tmp_path, camera, signal.SIGKILL) as node:
            same(1, node.verdict(RUNS[1], 4), missing=2)  # it came while nobody flew
            assert tracks[1].memory.frames == 5
        with flying(config, tmp_path, camera, signal.SIGTERM) as node:
            same(1, node.verdict(RUNS[1], 5))
    page = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert page["drift"]["tracks"] == 2
    assert page["drift"]["log_capital"] == monitor.log_capital
    assert "track_lost" not in page["events"]


def test_another_bundle_or_a_damaged_state_begins_anew(calibrated: Path, tmp_path: Path) -> None:
    rule = TrackRule.at(bundles.read(calibrated))
    assert rule is not None
    storage, events, ring = Storage(10), Events(), tmp_path / "ring"
    kept = Kept(ring, 4, storage, events)
    assert kept.begin(rule, "one") == []
    kept.keep(RUNS[0], 3, Track(rule).memory)
    monitor = kept.drift()
    assert monitor is not None
    monitor.update(1.0)
    kept.keep_drift(monitor)
    storage.close()
    kept.close()
    again = Kept(ring, 4, storage, events)
    assert again.begin(rule, "one") == [KeptTrack(RUNS[0], 3, Track(rule).memory)]
    found = again.drift()
    assert found is not None
    assert found.state == monitor.state
    (tmp_path / "ring.drift.json").write_text("{}")
    damaged = again.drift()
    assert damaged is not None
    assert damaged.log_capital == pytest.approx(0)
    assert [event.name for event in events.take()] == ["drift_lost"]
    assert again.begin(rule, "another") == []
    assert again.begin(rule, "one") == []  # forgotten
    again.close()


def test_a_run_that_another_bundle_has_worked_on_gets_no_track_verdict(calibrated: Path, tmp_path: Path) -> None:
    rule, answer = TrackRule.at(bundles.read(calibrated)), Answer(Status.ANSWERED, anomaly_score=1.0, p_value=0.5)
    storage, events = Storage(10), Events()
    tracks = Tracks(Kept(tmp_path / "ring", MOST, storage, events), set(), events)
    tracks.start_over(rule, "one")
    for frame_id in range(7):  # its horizon is 6
        told = tracks.update(RUNS[0], frame_id, answer)
    assert (told is not None and told.frames, tracks.drift_state()["tracks"]) == (7, 1)
    tracks.start_over(rule, "another")
    assert tracks.update(RUNS[0], 7, answer) is None
    assert tracks.update(RUNS[1], 0, answer) is not None
    assert [event.name for event in events.take()] == ["track_lost"]
    assert tracks.drift_state()["tracks"] == 0
    storage.close()


@pytest.mark.parametrize(
    ("processes", "goes_on"),
    [
        ([["one"]], True),
        ([["one", "without", "one"]], False),
        ([["one", "another", "one"]], False),
        ([["without"], ["one"]], False),
        ([["another"], ["one"]], False),
    ],
)
def test_a_bundle_that_comes_back_does_not_go_on_with_its_tracks_or_its_monitor(
    processes: list[list[str]], goes_on: bool, calibrated: Path, tmp_path: Path
) -> None:
    rule, answer = TrackRule.at(bundles.read(calibrated)), Answer(Status.ANSWERED, anomaly_score=1.0, p_value=0.5)
    events, next_id, begun = Events(), itertools.count(), set[bytes]()
    for names in [["one"], *processes]:
        storage = Storage(10)
        kept = Kept(tmp_path / "ring", MOST, storage, events)
        tracks = Tracks(kept, begun, events)
        for name in names:
            tracks.start_over(None if name == "without" else rule, name)
        told = [tracks.update(RUNS[0], next(next_id), answer) for _ in range(7)]  # its horizon is 6
        drift = tracks.drift_state()
        begun.add(RUNS[0])
        storage.close()
        kept.close()
    assert ([each is not None for each in told], drift and drift["tracks"]) == ([goes_on] * 7, int(goes_on))
    assert [event.name for event in events.take()].count("track_lost") >= (not goes_on)


def test_a_track_that_is_too_long_to_be_kept_is_lost_and_said_to_be(calibrated: Path, tmp_path: Path) -> None:
    found, answer = TrackRule.at(bundles.read(calibrated)), Answer(Status.ANSWERED, anomaly_score=1.0, p_value=0.5)
    assert found is not None
    rule = replace(found, statistic=TrackStatistic("k_of_n", "score", 0.0, 0.0, k=60, n=70), horizon_frames=100)
    for frames, lost in ((64, []), (65, ["track_lost"])):
        storage, events, begun = Storage(10), Events(), set[bytes]()
        for first, last in ((0, frames), (frames, frames + 1)):
            kept = Kept(tmp_path / f"ring{frames}", MOST, storage, events)
            tracks = Tracks(kept, begun, events)
            tracks.start_over(rule, "one")
            told = [tracks.update(RUNS[0], frame_id, answer) for frame_id in range(first, last)]
            kept.close()
            begun.add(RUNS[0])
        assert (told[-1] is None, [event.name for event in events.take()]) == (bool(lost), lost)
        storage.close()


def test_a_torn_write_leaves_the_state_before_it(tmp_path: Path) -> None:
    path, rule = tmp_path / "tracks", bytes(32)
    highest = [-math.inf, *(n / 7 for n in range(1, 9))]
    states = [TrackMemory(n, highest[n], n or None, 0, n / 3, (n / 5,) * (n % 3)) for n in range(9)]
    file = TrackFile(path, 4)
    file.begin(rule)
    for n, state in enumerate(states):
        before = path.read_bytes()
        file.keep(RUNS[0], n, state)
        after = path.read_bytes()
        changed = [at for at in range(len(after)) if before[at] != after[at]]
        for cut in (changed[0] + 1, changed[len(changed) // 2], changed[-1]):
            (tmp_path / "torn").write_bytes(after[:cut] + before[cut:])
            again = TrackFile(tmp_path / "torn", 4)
            assert again.begin(rule) == ([] if n == 0 else [KeptTrack(RUNS[0], n - 1, states[n - 1])])
            again.close()
    file.close()
    again = TrackFile(path, 4)
    assert again.begin(rule) == [KeptTrack(RUNS[0], 8, states[8])]
    again.forget(RUNS[0])
    for n in range(4):
        again.keep(bytes([n]) * 16, n, states[n])
    again.close()
    last = TrackFile(path, 4)
    assert [each.run for each in last.begin(rule)] == [bytes([n]) * 16 for n in range(4)]
    assert last.begin(bytes(31) + b"x") == []
