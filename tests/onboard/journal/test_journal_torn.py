"""A process is killed at each single write of the journal, and halfway through it: nothing is counted twice or lost."""

import os
import shutil
import signal
import traceback
from pathlib import Path
from typing import Any

import pytest

from onboard.journal import Journal
from onboard.messages import Status

RUN, OTHER, RECORDS = b"0123456789abcdef", b"fedcba9876543210", 16


class DyingMemory:
    """The journal's mapped file, whose owner is killed in write number `last`, with a share of its bytes written."""

    def __init__(self, memory: Any, last: int, share: float) -> None:
        self.memory, self.left, self.share = memory, last, share

    def __getitem__(self, place: slice) -> bytes:
        return bytes(self.memory[place])

    def __setitem__(self, place: slice, data: bytes) -> None:
        if not self.left:
            written = round(self.share * len(data))
            self.memory[place.start : place.start + written] = data[:written]
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        self.memory[place] = data


def few_frames(journal: Journal, first: int) -> None:
    for frame_id in range(first, first + 3):
        journal.begin(RUN, frame_id)
        journal.begin(OTHER, frame_id)
        journal.begin(RUN, frame_id)  # a duplicate
        journal.end(OTHER, frame_id, Status.REJECTED, "frame_black")
        journal.end(RUN, frame_id, Status.ANSWERED)


def dies(ring: Path, last: int, share: float) -> bool:
    """Run a few frames in a child that is killed in its write `last`; False where it has no so many writes."""
    child = os.fork()
    if not child:
        code = 1
        try:
            journal = Journal(ring, records=RECORDS)
            dying: Any = DyingMemory(journal._memory, last, share)
            journal._memory = journal._runs._memory = dying
            few_frames(journal, 100)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status == signal.SIGKILL


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_kill_in_any_write_loses_and_doubles_nothing(tmp_path: Path, share: float) -> None:
    whole = tmp_path / "whole"
    journal = Journal(whole, records=RECORDS)
    for run in (RUN, OTHER):
        for frame_id in range(12):  # more than the ring holds: each record replaces one
            journal.begin(run, frame_id)
            journal.end(run, frame_id, Status.ANSWERED)
    journal.close()
    ring = tmp_path / "ring"
    received = []
    for last in range(1000):
        shutil.copy(whole, ring)
        if not dies(ring, last, share):
            break
        again = Journal(ring, records=RECORDS)
        totals = again.totals()
        for account in totals.values():
            assert account.received == account.answered + account.rejected + account.skipped
            assert account.open == 0
        received.append(sum(account.received for account in totals.values()))
        arrivals = [again.begin(run, 100) for run in (RUN, OTHER)]  # sent again by their source
        assert sum(arrival.recorded for arrival in arrivals) == max(0, 26 - received[-1])
        before = sum(account.received for account in again.totals().values())
        again.close()
        last_time = Journal(ring, records=RECORDS)
        assert sum(account.received for account in last_time.totals().values()) == before
        last_time.close()
    assert received == sorted(received)  # what was received stays received, whatever is torn later
    assert set(received) == set(range(24, 31))
