"""Storage that really refuses: a small tmpfs that is full, and a limit on the size of files."""

import os
import resource
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboard.errors import InputError
from onboard.journal import Event, Journal, read_archive
from onboard.messages import Status
from tests.tmpfs import mounted

RUN = b"0123456789abcdef"
RECORDS, SEGMENT = 512, 32  # an archive file of 4 KiB and a little: two blocks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    with mounted(tmp_path / "disk", "size=64k") as place:
        yield place


def handle(journal: Journal, ids: range) -> list[Event]:
    """Frames at a pace that the archive's thread can follow."""
    events = []
    for frame_id in ids:
        journal.begin(RUN, frame_id)
        journal.end(RUN, frame_id, Status.ANSWERED)
        if frame_id % SEGMENT == 0:
            time.sleep(0.005)
            events += journal.take_events()
    return events


def test_a_full_disk_loses_the_oldest_whole_files_and_says_so(small_disk: Path, tmp_path: Path) -> None:
    folder = small_disk / "archive"
    journal = Journal(tmp_path / "ring", folder, RECORDS)
    events = handle(journal, range(40 * SEGMENT))
    journal.close()
    names = {event.name for event in [*events, *journal.take_events()]}
    assert names == {"archive_dropped"}
    files = sorted(folder.iterdir())
    kept = [entry.frame_id for path in files for entry in read_archive(path)]
    assert 4 <= len(files) < 16
    assert kept == list(range(kept[0], kept[0] + len(kept)))  # the newest, without a hole
    assert kept[-1] >= 38 * SEGMENT
    assert Journal(tmp_path / "ring", folder, RECORDS).totals()[RUN].answered == 40 * SEGMENT


def test_a_ring_that_does_not_fit_is_refused_at_the_start(small_disk: Path) -> None:
    with pytest.raises(InputError, match="No space left"):
        Journal(small_disk / "ring", None, RECORDS)
    assert not list(small_disk.iterdir())


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", tmp_path / "archive", RECORDS, archive_files=3)
    assert not handle(journal, range(10 * SEGMENT))
    journal.close()
    kept = [entry.frame_id for path in sorted((tmp_path / "archive").iterdir()) for entry in read_archive(path)]
    assert kept == list(range(6 * SEGMENT, 9 * SEGMENT)) or kept == list(range(7 * SEGMENT, 10 * SEGMENT))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_the_loop_goes_on_where_nothing_can_be_archived(tmp_path: Path) -> None:
    child = os.fork()
    if not child:
        code = 1
        try:
            journal = Journal(tmp_path / "ring", tmp_path / "archive", RECORDS)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
            events = handle(journal, range(20 * SEGMENT))
            journal.close()
            assert {event.name for event in events} == {"archive_lost"}
            assert journal.totals()[RUN].answered == 20 * SEGMENT
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert not list((tmp_path / "archive").glob("*"))
