"""Mapped files that somebody cuts under a flying node: to touch what was cut off is SIGBUS."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from onboard import strict_yaml
from onboard.fly.config import NodeConfig
from onboard.journal.reading import read_ring
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture

REPOSITORY = Path(__file__).parents[3]
RUN, OTHER = b"0123456789abcdef", b"another-run-here"
Node = subprocess.Popen


@pytest.fixture
def flying(configured: Callable[..., NodeConfig], tmp_path: Path) -> Callable[[], Any]:
    """Starts a node as a process of its own, and ends it with the block."""
    path = tmp_path / "cut.yaml"
    path.write_text(strict_yaml.dump(configured(output__summary_s=0.1, output__event_s=0)))

    @contextmanager
    def started() -> Iterator[Node]:
        command = [sys.executable, "-m", "onboard", "fly", str(path)]
        node = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            yield node
        finally:
            if node.poll() is None:
                node.send_signal(signal.SIGTERM)
            node.communicate(timeout=30)

    return started


def _lines(path: Path) -> list[dict[str, Any]]:
    """What a file of lines has so far, without a line that is being written."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def _wait_for(path: Path, **values: Any) -> dict[str, Any]:
    """The first line with these values, once it is there."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for line in _lines(path):
            if values.items() <= line.items():
                return line
        time.sleep(0.01)
    raise AssertionError(f"{path} never had a line with {values}")


@pytest.mark.parametrize("left", [0, 4096])
def test_a_cameras_ring_that_is_cut_is_unplugged_and_the_next_one_is_read(
    flying: Callable[[], Any], tmp_path: Path, left: int
) -> None:
    camera, verdicts, events = tmp_path / "camera", tmp_path / "out/verdicts.jsonl", tmp_path / "out/events.jsonl"
    with flying() as node:
        with RingWriter(camera, 4, 96 * 96 * 3) as writer:
            writer.write(*message(RUN, 0, picture(0)))
            _wait_for(verdicts, frame_id=0, status="ANSWERED")
            os.truncate(camera, left)
            assert "cut to" in _wait_for(events, event="no_ring")["detail"]
        with RingWriter(camera, 4, 96 * 96 * 3) as writer:  # the camera's process was started again
            writer.write(*message(OTHER, 0, picture(1)))
            _wait_for(verdicts, run=OTHER.hex(), status="ANSWERED")
    assert node.returncode == 0
    page = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert page["journal"]["agrees"] and page["frames"]["answered"] == 2


@pytest.mark.parametrize(
    ("name", "left"), [("journal", 0), ("journal", 4096), ("journal.tracks", 0)], ids=["whole", "head left", "tracks"]
)
def test_a_journal_that_is_cut_ends_the_node_which_begins_a_new_one(
    flying: Callable[[], Any], calibrated: Path, tmp_path: Path, name: str, left: int
) -> None:
    path, verdicts, events = tmp_path / "cut.yaml", tmp_path / "out/verdicts.jsonl", tmp_path / "out/events.jsonl"
    path.write_text(path.read_text().replace(str(strict_yaml.load(path, NodeConfig).bundle), str(calibrated)))
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        with flying() as node:
            writer.write(*message(RUN, 0, picture(0)))
            _wait_for(verdicts, frame_id=0)
            os.truncate(tmp_path / name, left)
            writer.write(*message(RUN, 1, picture(1)))
            assert node.wait(30) == -signal.SIGBUS
            assert node.stderr is not None and "Bus error" in node.stderr.read()  # where it was, for who looks for it
        writer.write(*message(RUN, 2, picture(2)))
        with flying():
            _wait_for(verdicts, frame_id=2, status="ANSWERED")
    ring = read_ring(tmp_path / "journal")
    told = {line["event"] for line in _lines(events)}
    ids = [entry.frame_id for entry in ring.entries]
    assert len(ids) == len(set(ids)) == ring.totals[RUN].received and ring.totals[RUN].open == 0
    if name == "journal":
        assert "journal_set_aside" in told and (tmp_path / "journal.damaged").exists()
        assert "closed_after_restart" not in told  # what was open went with the ring
    else:  # the journal is whole, and the tracks begin anew
        assert [entry.reason for entry in ring.entries if entry.frame_id == 1] == ["restart"]
        assert "track_lost" in told
    page = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert page["complete"] and page["journal"]["agrees"]
