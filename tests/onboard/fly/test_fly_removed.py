"""What somebody removes or moves away under a node that flies: it is told, and goes on."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.line_file import LineFile
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.storage import Storage
from onboard.journal.reading import read_ring
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture

RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]


def until_written(storage: Storage) -> None:
    end = time.monotonic() + 5
    done: list[int] = []
    storage.offer(lambda: done.append(1))
    while not done:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_lines_go_on_in_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr("onboard.fly.line_file._STILL_THERE_S", 0.0)
    folder = tmp_path / "out"
    storage, events = Storage(100), Events()
    file = LineFile(storage, folder / "lines.jsonl", 10_000, events)
    file.add(b"first")
    until_written(storage)
    if how == "removed":
        shutil.rmtree(folder)
    else:
        folder.rename(tmp_path / "away")
    if how == "replaced":
        folder.mkdir()
        (folder / "lines.jsonl").write_bytes(b"theirs\n")
    file.add(b"second")
    file.add(b"third")
    storage.close()
    with pytest.raises(InputError, match="writes it already"):
        LineFile(Storage(1), folder / "lines.jsonl", 10_000, events)
    file.close()
    assert (folder / "lines.jsonl").read_bytes() == b"theirs\n" * (how == "replaced") + b"second\nthird\n"
    assert how == "removed" or (tmp_path / "away" / "lines.jsonl").read_bytes() == b"first\n"
    (told,) = events.take()
    assert told.name == "output_lost" and "a new one begins" in told.detail
    assert file.dropped == 0


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_where_no_new_file_can_be_made_lines_are_counted_or_go_on_where_they_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("onboard.fly.line_file._STILL_THERE_S", 0.0)
    folder = tmp_path / "out"
    storage, events = Storage(100), Events()
    file = LineFile(storage, folder / "lines.jsonl", 10_000, events)
    folder.rename(tmp_path / "away")
    if how == "removed":
        shutil.rmtree(tmp_path / "away")
    folder.write_bytes(b"")  # in the folder's place
    file.add(b"line")
    storage.close()
    file.close()
    assert file.dropped == (how == "removed")
    assert how == "removed" or (tmp_path / "away" / "lines.jsonl").read_bytes() == b"line\n"
    assert [event.name for event in events.take()] == ["output_lost"] * 2


def test_a_node_tells_of_its_folder_and_of_its_ring_once(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboard.fly.line_file._STILL_THERE_S", 0.05)
    monkeypatch.setattr("onboard.fly.ring_place._LOOK_S", 0.05)
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, parts_of(configured()) as parts:
        loop = Loop(parts)

        def turn(frame_id: int) -> None:
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            loop.turn(5.0)
            until_written(parts.storage)
            time.sleep(0.1)

        turn(0)
        assert not parts.log.counts["output_lost"] and not parts.log.counts["journal_not_kept"]
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "journal").unlink()
        for frame_id in (1, 2, 3):
            turn(frame_id)
        end = time.monotonic() + 10
        while not parts.log.counts["journal_not_kept"]:
            assert time.monotonic() < end
            loop.turn(0.05)
        time.sleep(0.2)  # several looks more
        loop.turn(0.0)
        assert parts.log.counts["journal_not_kept"] == 1
        assert parts.log.counts["output_lost"] >= 1
        assert [each.frame_id for each in read_ring(Path(parts.journal.open_at)).entries] == [0, 1, 2, 3]
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    (told,) = [each["detail"] for each in events if each["event"] == "journal_not_kept"]
    assert "removed or moved away" in told and f"journal --records {parts.journal.open_at}" in told
    verdicts = (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame_id"] for line in verdicts] == [1, 2, 3]
