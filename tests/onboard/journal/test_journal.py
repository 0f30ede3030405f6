"""The journal's account in one process: arrivals, ends, overwriting, torn records, damage."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboard import hold
from onboard.errors import InputError
from onboard.journal import Arrival, Journal, JournalError
from onboard.journal.reading import read_ring
from onboard.journal.record import END_AT, SIZE
from onboard.messages import Status

RUN, OTHER = b"0123456789abcdef", b"fedcba9876543210"


def handle(journal: Journal, run: bytes, ids: range | list[int]) -> None:
    for frame_id in ids:
        assert journal.begin(run, frame_id).recorded
        journal.end(run, frame_id, Status.ANSWERED)


def test_duplicates_and_reordered_ids_are_events_not_second_records(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", records=64)
    arrivals = []
    for frame_id in [5, 6, 9, 8, 6, 9, 2]:
        arrivals.append(journal.begin(RUN, frame_id))
        if arrivals[-1].recorded:
            journal.end(RUN, frame_id, Status.SKIPPED, "stale")
    new, again, late = Arrival.NEW, Arrival.DUPLICATE, Arrival.REORDERED
    assert arrivals == [new, new, new, late, again, again, late]
    totals = journal.totals()[RUN]
    assert (totals.received, totals.skipped, totals.duplicates, totals.reordered) == (5, 5, 2, 2)
    assert totals.missing == 3  # 3, 4 and 7
    assert [entry.frame_id for entry in journal.entries()] == [5, 6, 9, 8, 2]
    assert journal.begin(OTHER, 6) is Arrival.NEW  # the same id of another run is another frame


def test_a_frame_ends_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", records=64)
    with pytest.raises(JournalError):
        journal.end(RUN, 0, Status.ANSWERED)
    handle(journal, RUN, [0])
    with pytest.raises(JournalError):
        journal.end(RUN, 0, Status.REJECTED, "frame_black")
    assert [(entry.status, entry.reason) for entry in journal.entries()] == [(Status.ANSWERED, None)]


def test_totals_outlive_the_records_and_the_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", records=16)
    handle(journal, RUN, range(100))
    handle(journal, OTHER, range(30))
    assert journal.begin(RUN, 40) is Arrival.TOO_LATE
    before = journal.totals()
    journal.close()
    again = Journal(tmp_path / "ring", records=16)
    assert again.totals() == before
    assert (before[RUN].answered, before[RUN].too_late, before[OTHER].answered) == (100, 1, 30)
    assert len(again.entries()) == 16


@pytest.mark.parametrize("part", [5, 40, END_AT + 3, END_AT + 20], ids=["first", "its checksum", "second", "reason"])
def test_a_torn_record_is_recognised(tmp_path: Path, part: int) -> None:
    journal = Journal(tmp_path / "ring", records=16)
    handle(journal, RUN, range(3))
    at = journal._at(3)
    journal.close()
    data = bytearray((tmp_path / "ring").read_bytes())
    data[at + part] ^= 0x10
    (tmp_path / "ring").write_bytes(data)
    again = Journal(tmp_path / "ring", records=16)
    totals = again.totals()[RUN]
    if part < END_AT:  # it was never received; sent again, it is judged
        assert (totals.received, totals.answered, totals.skipped) == (2, 2, 0)
        assert again.begin(RUN, 2).recorded
    else:
        assert (totals.received, totals.answered, totals.skipped) == (3, 2, 1)
        assert again.entries()[-1].reason == "restart"
        assert [event.name for event in again.take_events()] == ["closed_after_restart"]
        assert again.begin(RUN, 2) is Arrival.DUPLICATE
    assert SIZE == 128


def test_a_frame_that_never_ends_is_closed_when_the_ring_comes_round(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", records=16)
    journal.begin(RUN, 0)
    handle(journal, RUN, range(1, 17))
    assert [event.name for event in journal.take_events()] == ["journal_overrun"]
    with pytest.raises(JournalError):
        journal.end(RUN, 0, Status.ANSWERED)
    totals = journal.totals()[RUN]
    assert (totals.received, totals.answered, totals.skipped, totals.open) == (17, 16, 1, 0)


def test_the_quietest_run_makes_room_and_its_totals_are_kept(tmp_path: Path) -> None:
    runs = [bytes([n]) * 16 for n in range(5)]
    journal = Journal(tmp_path / "ring", records=64, run_slots=4)
    for run in runs:
        handle(journal, run, range(3))
    assert runs[0] not in journal.totals()
    assert [event.name for event in journal.take_events()] == ["run_retired"]
    assert journal.begin(runs[0], 1) is Arrival.DUPLICATE  # its records are still in the ring
    journal.close()
    again = Journal(tmp_path / "ring", records=64, run_slots=4)
    assert (again.retired().received, sum(t.received for t in again.totals().values())) == (3, 12)
    for run in again.totals():
        again.begin(run, 9)
    assert again.begin(OTHER, 0) is Arrival.NO_ROOM


def test_the_largest_id_is_an_id(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", records=16)
    handle(journal, RUN, [(1 << 64) - 1])
    handle(journal, OTHER, range(20))
    assert journal.begin(RUN, (1 << 64) - 1) is Arrival.TOO_LATE


def test_a_run_that_left_and_came_back_is_counted_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", records=64, run_slots=1)
    handle(journal, RUN, range(3))
    handle(journal, OTHER, range(3))
    handle(journal, RUN, range(10, 13))
    before = journal.totals()
    journal.close()
    again = Journal(tmp_path / "ring", records=64, run_slots=1)
    assert again.totals() == before
    assert (before[RUN].received, before[RUN].missing, again.retired().received) == (3, 0, 6)
    handle(again, RUN, range(20, 90))  # its first records are overwritten as well
    assert (again.totals()[RUN].received, again.retired().received) == (73, 6)


@pytest.mark.parametrize("damage", ["cut", "header", "empty", "zeros"])
def test_a_damaged_ring_is_set_aside_and_sequence_numbers_go_on(tmp_path: Path, damage: str) -> None:
    ring = tmp_path / "ring"
    journal = Journal(ring, tmp_path / "archive", records=1024)
    handle(journal, RUN, range(64))
    journal.close()
    whole = ring.read_bytes()
    ring.write_bytes({"cut": whole[:-1], "header": b"x" + whole[1:], "empty": b"", "zeros": bytes(9000)}[damage])
    again = Journal(ring, tmp_path / "archive", records=1024)
    assert [event.name for event in again.take_events()] == ["journal_set_aside"]
    assert (tmp_path / "ring.damaged").exists()
    handle(again, RUN, [70])
    assert again.entries()[0].sequence == 65


@pytest.mark.parametrize("what", ["notes", "zeros at first", "folder", "named pipe"])
def test_what_never_was_a_ring_is_refused_and_stays(tmp_path: Path, what: str) -> None:
    ring, text = tmp_path / "ring", bytes(5000) * (what == "zeros at first") + b"notes"
    if what == "folder":
        ring.mkdir()
    elif what == "named pipe":
        os.mkfifo(ring)
    else:
        ring.write_bytes(text)
    with pytest.raises(InputError, match=r"ring: is a.* set journal\.ring to another place, or move it away"):
        Journal(ring, records=1024)
    assert [path.name for path in tmp_path.iterdir()] == ["ring"]
    assert not ring.is_file() or ring.read_bytes() == text


def test_one_process_at_a_time_and_the_sizes_that_it_was_made_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "ring", records=64)
    with pytest.raises(InputError, match=r"process [0-9]+ keeps this journal"):
        Journal(tmp_path / "ring", records=64)
    journal.close()
    with pytest.raises(InputError, match="holds 64 records"):
        Journal(tmp_path / "ring", records=128)


@pytest.mark.parametrize("when", ["while it is made", "before it is locked", "damaged, before it is locked"])
def test_of_two_that_start_together_one_has_the_ring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    ring, others = tmp_path / "ring", list[Journal]()
    name = "os.posix_fallocate" if when == "while it is made" else "onboard.hold.locked"
    real: Callable[..., Any] = os.posix_fallocate if when == "while it is made" else hold.locked
    if when != "while it is made":
        Journal(ring, records=64).close()
    if when.startswith("damaged"):
        ring.write_bytes(ring.read_bytes()[:-1])

    def other_first(*given: Any) -> Any:
        monkeypatch.undo()
        if name == "onboard.hold.locked":
            ring.replace(tmp_path / "ring.damaged")
        others.append(Journal(ring, records=64))
        return real(*given)

    monkeypatch.setattr(name, other_first)
    with pytest.raises(InputError, match=rf"process {os.getpid()} keeps this journal"):
        Journal(ring, records=64)
    handle(others[0], RUN, range(3))
    assert len(read_ring(ring).entries) == 3
    assert not list(tmp_path.glob(".*"))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(4096, 4096 + 4 * 512 + 16 * SIZE - 1), st.integers(1, 255)), max_size=40))
def test_flipped_bytes_anywhere_behind_the_header_stop_nothing(tmp_path: Path, flips: list[tuple[int, int]]) -> None:
    ring = tmp_path / "ring"
    ring.unlink(missing_ok=True)
    journal = Journal(ring, records=16, run_slots=4)
    handle(journal, RUN, range(20))
    journal.begin(OTHER, 3)
    journal.close()
    data = bytearray(ring.read_bytes())
    for place, bits in flips:
        data[place] ^= bits
    ring.write_bytes(data)
    again = Journal(ring, records=16, run_slots=4)
    for frame_id in range(100, 140):
        if again.begin(RUN, frame_id).recorded:
            again.end(RUN, frame_id, Status.ANSWERED)
    assert all(totals.open == 0 for totals in again.totals().values())
    assert len({entry.frame_id for entry in again.entries() if entry.run == RUN}) >= 16
    again.close()


def test_what_is_known_of_a_run_goes_with_its_slot_and_its_records(tmp_path: Path) -> None:
    """The limit of the promise, as docs/journal.md states it: old ids of a run that left long ago are new again."""
    stays, leaves = (
        Journal(tmp_path / "stays", records=16, run_slots=4),
        Journal(tmp_path / "leaves", records=16, run_slots=4),
    )
    others = [bytes([n]) * 16 for n in range(1, 5)]
    for journal, later in ((stays, others[:3]), (leaves, others)):
        handle(journal, RUN, range(3))
        for run in later:
            handle(journal, run, range(3))
        assert journal.begin(RUN, 1) is Arrival.DUPLICATE  # its records are still here
        handle(journal, later[-1], range(3, 20))
    assert stays.begin(RUN, 1) is Arrival.TOO_LATE
    assert leaves.begin(RUN, 1) is Arrival.NEW
