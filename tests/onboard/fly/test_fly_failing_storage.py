"""Storage that fails otherwise than by being read-only keeps no node down: a dying device, a disk too full."""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.journal.reading import read_ring
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture

RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]
Failing = Callable[..., Any]
DYING = (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EUCLEAN)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Makes every opening of a file below a folder fail with an error, for a while."""
    real = os.open

    @contextmanager
    def made(folder: Path, number: int, writing_alone: bool = False) -> Iterator[None]:
        def refuse(path: Any, flags: int, *more: Any, **named: Any) -> int:
            makes_it = flags & os.O_CREAT and not os.path.exists(path)  # noqa: PTH110 - path may be bytes
            if Path(os.fsdecode(path)).is_relative_to(folder) and (makes_it or not writing_alone):
                raise OSError(number, os.strerror(number), str(path))
            return real(path, flags, *more, **named)

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", refuse)
            yield

    return made


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("number", [*DYING, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_node_flies_where_its_output_cannot_be_opened_and_writes_once_it_can(
    configured: Configured,
    tmp_path: Path,
    failing: Failing,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    monkeypatch.setattr("onboard.fly.line_file._AGAIN_S", 0.05)
    disk = tmp_path / "disk"
    disk.mkdir()
    config = configured(output__folder=str(disk / "out"), journal__archive=str(disk / "archive"))
    full = number in (errno.ENOSPC, errno.EDQUOT)
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        with failing(disk, number, writing_alone=full), parts_of(config) as parts:
            loop = Loop(parts)
            writer.write(*message(RUN, 0, picture(0)))
            loop.turn(5.0)
            assert parts.account.totals() == (1, 0, 0)
            assert parts.journal.in_memory is None
            assert parts.log.counts["storage_read_only"] == 2  # output and archive
            _until(lambda: parts.outlet.dropped()["file"] == 1)
        assert os.strerror(number) in capfd.readouterr().err
        with parts_of(config) as parts:
            writer.write(*message(RUN, 1, picture(1)))
            Loop(parts).turn(5.0)
            assert parts.log.counts["storage_read_only"] == 0
            _until(lambda: (disk / "out" / "verdicts.jsonl").exists())


@pytest.mark.parametrize("number", DYING, ids=errno.errorcode.get)
def test_where_the_rings_storage_fails_the_journal_is_in_memory(
    configured: Configured, tmp_path: Path, failing: Failing, number: int
) -> None:
    ring = tmp_path / "debris" / "ring"
    config = configured(journal__ring=str(ring))
    with parts_of(config):
        pass
    with (
        RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer,
        failing(tmp_path / "debris", number),
        parts_of(config) as parts,
    ):
        writer.write(*message(RUN, 0, picture(0)))
        Loop(parts).turn(5.0)
        assert parts.account.totals() == (1, 0, 0)
        assert parts.log.counts["journal_not_kept"] == 1
        assert parts.journal.in_memory is not None
        assert [each.frame_id for each in read_ring(Path(parts.journal.in_memory)).entries] == [0]


def test_tracks_that_alone_cannot_be_kept_are_told_of(configured: Configured, tmp_path: Path, failing: Failing) -> None:
    config = configured()
    with failing(tmp_path / "journal.tracks", errno.EIO), parts_of(config) as parts:
        Loop(parts).turn(0.01)
        assert parts.journal.in_memory is None
        assert parts.log.counts["storage_read_only"] == 1


def test_a_file_whose_end_cannot_be_read_goes_on_behind_a_new_line(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, verdicts = configured(), tmp_path / "out" / "verdicts.jsonl"
    verdicts.parent.mkdir()
    verdicts.write_text('{"half":')

    def dying(*_: Any) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        with monkeypatch.context() as patched:
            real = os.pread
            patched.setattr(os, "pread", lambda file, size, at: dying() if size == 1 else real(file, size, at))
            opened = parts_of(config)
            parts = opened.__enter__()
        writer.write(*message(RUN, 0, picture(0)))
        Loop(parts).turn(5.0)
        opened.__exit__(None, None, None)
    half, whole = verdicts.read_text().splitlines()
    assert half == '{"half":' and '"frame_id":0' in whole


def test_a_choice_that_cannot_be_read_does_not_keep_the_node_down(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured()
    with parts_of(config):
        pass
    chosen, real = tmp_path / "out" / "chosen.yaml", Path.stat
    shutil.copy(tmp_path / "node.yaml", chosen)

    def dying(path: Path, **named: Any) -> os.stat_result:
        if path == chosen:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return real(path, **named)

    monkeypatch.setattr(Path, "stat", dying)
    with parts_of(config) as parts:
        Loop(parts).turn(0.01)
        assert parts.log.counts["choice_lost"] == 1
