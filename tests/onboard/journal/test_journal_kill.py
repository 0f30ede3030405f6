"""A real process that keeps a journal is killed with SIGKILL again and again: the ledger balances every time."""

import os
import random
import signal
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboard.journal import Journal, read_archive
from onboard.messages import Status

RUN = b"0123456789abcdef"
KILLS = 25


def loop(ring: Path, archive: Path, records: int, first_id: int, pipe: int) -> None:
    """A node in small: three frames wait while one is worked on; says each RECEIVED and each verdict, unbuffered."""
    journal = Journal(ring, archive, records)
    frame_id, waiting = first_id, []
    while True:
        if journal.begin(RUN, frame_id).recorded:
            os.write(pipe, b"r%d\n" % frame_id)
            waiting.append(frame_id)
        frame_id += 1
        if len(waiting) > 3:
            done = waiting.pop(0)
            status = (Status.ANSWERED, Status.REJECTED)[done % 2]
            journal.end(RUN, done, status, "frame_black" if done % 2 else None)
            os.write(pipe, b"v%d\n" % done)


def lines_until_killed(after_s: float, *arguments: object) -> Iterator[str]:
    """Run `loop` in a child, kill it some time after its first line; gives all its lines."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            loop(*arguments, writing)  # type: ignore[arg-type]
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    os.set_blocking(reading, True)
    said = os.read(reading, 1 << 16)
    kill_at = time.monotonic() + after_s
    os.set_blocking(reading, False)
    while time.monotonic() < kill_at:
        try:
            said += os.read(reading, 1 << 16)
        except BlockingIOError:
            time.sleep(0.0002)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, "the child ended by itself"
    os.set_blocking(reading, True)
    while block := os.read(reading, 1 << 16):
        said += block
    os.close(reading)
    return iter(said.decode().splitlines())


@pytest.mark.parametrize("records", [16, 2048], ids=["ring overwritten all the time", "ring that holds most"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_the_ledger_balances_after_every_kill(tmp_path: Path, records: int) -> None:
    draw = random.Random(records)
    ring, folder = tmp_path / "ring", tmp_path / "archive"
    received: set[int] = set()
    answered: set[int] = set()
    torn_off = 0
    for kill in range(KILLS):
        # The source sends its last ten frames again, as one does that does not know what arrived.
        first_id = max(0, max(received, default=0) - 10)
        for line in lines_until_killed(draw.uniform(0, 0.012), ring, folder, records, first_id):
            frame_id = int(line[1:])
            known = received if line[0] == "r" else answered
            assert frame_id not in known, f"a second {line} after {kill} kills"
            known.add(frame_id)
        journal = Journal(ring, folder, records)
        entries, totals = journal.entries(), journal.totals()[RUN]
        torn_off += len([event for event in journal.take_events() if event.name == "closed_after_restart"])
        journal.close()
        assert totals.received == totals.answered + totals.rejected + totals.skipped
        assert totals.open == 0
        # A record may be whole just before its line was said: at most one in each life.
        assert len(received) <= totals.received <= len(received) + kill + 1
        by_id = {entry.frame_id: entry for entry in entries}
        assert len(by_id) == len(entries)
        for frame_id in answered & by_id.keys():
            assert by_id[frame_id].status is (Status.ANSWERED, Status.REJECTED)[frame_id % 2]
        for entry in entries:
            assert entry.status is not None
            if entry.status is Status.SKIPPED:
                assert entry.reason == "restart"
                assert entry.frame_id not in answered
        received |= by_id.keys()
    assert torn_off > KILLS  # kills did hit frames at work
    archived = [entry for path in sorted(folder.glob("journal-*.drj")) for entry in read_archive(path)]
    ids = {entry.sequence: entry.frame_id for entry in [*archived, *entries]}
    assert len(set(ids.values())) == len(ids)
