"""Storage that came back read-only keeps no node down: it says so, answers, and writes again where it can."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from onboard import strict_yaml
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.health.choice import Choice, Chosen
from onboard.journal.reading import read_ring
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture
from tests.tmpfs import mounted

RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    with mounted(tmp_path / "disk") as place:
        yield place


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True, timeout=10)


@pytest.fixture
def on_disk(configured: Configured, disk: Path) -> Configured:
    """A configuration whose output and archive lie there."""

    def made(**more: Any) -> NodeConfig:
        return configured(**{"output__folder": str(disk / "out"), "journal__archive": str(disk / "archive"), **more})

    return made


@pytest.mark.parametrize("before", [True, False], ids=["flown before", "never flown"])
def test_a_node_flies_on_where_its_output_is_read_only_and_writes_once_it_is_not(
    on_disk: Configured,
    disk: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    before: bool,
) -> None:
    monkeypatch.setattr("onboard.fly.line_file._AGAIN_S", 0.05)
    if before:
        with parts_of(on_disk()):
            pass
    remount(disk, "ro")
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, parts_of(on_disk()) as parts:
        loop = Loop(parts)
        writer.write(*message(RUN, 0, picture(0)))
        loop.turn(5.0)
        assert parts.account.totals() == (1, 0, 0)
        assert parts.log.counts["storage_read_only"] == 2  # output and archive
        assert parts.journal.in_memory is None
        end = time.monotonic() + 5
        while parts.outlet.dropped()["file"] != 1:  # the verdict's line, once the storage's thread has come to it
            assert time.monotonic() < end
            time.sleep(0.01)
        said = capfd.readouterr().err
        assert f"storage_read_only: {disk / 'out'} (output.folder)" in said and "(journal.archive)" in said
        remount(disk, "rw")
        time.sleep(0.1)  # the file is tried again
        writer.write(*message(RUN, 1, picture(1)))
        loop.turn(5.0)
        assert parts.account.totals() == (2, 0, 0)
    told = [json.loads(line) for line in (disk / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert [each["frame_id"] for each in told] == [1]
    with parts_of(on_disk()) as parts:
        Loop(parts).turn(0.01)
        assert parts.log.counts["storage_read_only"] == 0


@pytest.mark.parametrize("before", [True, False], ids=["flown before", "never flown"])
def test_where_the_ring_is_read_only_the_journal_says_what_it_does_not_promise(
    configured: Configured, disk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], before: bool
) -> None:
    ring = disk / "debris" / "ring"
    config = configured(journal__ring=str(ring))
    if before:
        with parts_of(config):
            pass
    remount(disk, "ro")
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, parts_of(config) as parts:
        loop = Loop(parts)
        for frame_id in (0, 1, 1):
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            loop.turn(5.0)
        assert parts.log.counts["journal_not_kept"] == parts.log.counts["duplicate"] == 1
        assert parts.journal.in_memory is not None
        assert [each.frame_id for each in read_ring(Path(parts.journal.in_memory)).entries] == [0, 1]
        assert parts.journal.in_memory in capfd.readouterr().err
    assert not before or len(read_ring(ring).entries) == 0


@pytest.mark.parametrize("writable", [True, False])
def test_a_bundle_on_trial_does_not_fly_where_its_start_cannot_be_written_down(
    on_disk: Configured, disk: Path, small: Path, moody: Path, writable: bool
) -> None:
    config = on_disk()
    configured = Choice(config.bundle)
    (disk / "out").mkdir()
    chosen = Chosen(configured, (configured, Choice(str(moody))))
    (disk / "out" / "chosen.yaml").write_text(strict_yaml.dump(chosen))
    if not writable:
        remount(disk, "ro")
    with parts_of(config) as parts:
        assert parts.guard.bundle.folder == (moody if writable else small)
        Loop(parts).turn(0.01)
        assert parts.log.counts["bundle_rolled_back"] == (0 if writable else 1)
        if not writable:  # what flies is what the next start shall fly
            remount(disk, "rw")
            end = time.monotonic() + 5
            while "moody" in (disk / "out" / "chosen.yaml").read_text():
                assert time.monotonic() < end
                time.sleep(0.05)
