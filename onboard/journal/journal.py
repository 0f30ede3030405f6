"""The journal: RECEIVED before work starts, the terminal record before the verdict is sent, one of each a frame."""

import enum
import os
import time
from collections.abc import Callable
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from onboard.event import Event, Events
from onboard.journal import record
from onboard.journal.archive import Archive
from onboard.journal.record import Entry
from onboard.journal.ring_head import RUNS_AT
from onboard.journal.ringfile import open_ring
from onboard.journal.runs import DUPLICATE, REORDERED, TOO_LATE, Run, RunTable, Totals
from onboard.messages import Status

RESTART, OVERRUN = "restart", "journal_overrun"
_SEGMENTS = 16


class JournalError(Exception):
    """The loop used the journal wrongly, such as ending a frame twice: its own mistake, never the input's."""


class Arrival(enum.Enum):
    """What a frame id is on its arrival. `recorded` ones must be ended; the others get no record and no verdict."""

    NEW = "new"
    REORDERED = "reordered"
    """Recorded, though a later id came before it."""
    DUPLICATE = "duplicate"
    """It has its record already."""
    TOO_LATE = "too_late"
    """So old that its record, if there was one, has been overwritten: whether it is a duplicate cannot be known."""
    NO_ROOM = "no_room"
    """Frames of other runs are open in every slot of the run table."""

    @property
    def recorded(self) -> bool:
        return self is Arrival.NEW or self is Arrival.REORDERED


class Journal:
    """Exactly one terminal record for each (run, frame id); see docs/journal.md for what is promised.

    For one thread. Nothing here waits for storage: the records lie in a mapped file, and the archive has a thread of
    its own. Where the ring's storage is read-only or failing, the promise holds within this process only, without an
    archive.

    Args:
        ring: the mapped file; best on a tmpfs such as /run or /dev/shm.
        archive: folder for what leaves the ring; None: only totals are kept.
        records: that the ring holds; a multiple of 16.
        run_slots: runs whose totals are kept apart.
        archive_files: the most files in the archive; each holds a sixteenth of the ring.
        alive: called by the archive's thread, once a second at least.

    Raises:
        InputError: the places cannot be used, or another process has the ring.
    """

    def __init__(
        self,
        ring: Path,
        archive: Path | None = None,
        records: int = 16384,
        run_slots: int = 64,
        archive_files: int = 64,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        if records < _SEGMENTS or records % _SEGMENTS:
            raise ValueError(f"records {records} must be a multiple of {_SEGMENTS}")
        self._events = Events()
        self._archive = Archive(archive, archive_files, self._events, alive) if archive is not None else None
        self._segment = records // _SEGMENTS
        archived = self._archive.last if self._archive else 0
        try:
            self._file = open_ring(ring, records, run_slots, archived, self._events)
        except InputError:
            if self._archive is not None:
                self._archive.close()
            raise
        if self._archive is not None and self.in_memory is not None:
            self._archive.close()  # the old ring's numbers go on where it is writable again
            self._archive = None
        self._memory, self._records, self._records_at = self._file.memory, records, self._file.records_at
        self._runs = RunTable(self._memory, RUNS_AT, run_slots)
        self._ids: dict[bytes, set[int]] = {}
        self._open: dict[tuple[bytes, int], int] = {}
        entries = self._recover()
        self._next = max([self._file.base, *(entry.sequence for entry in entries)]) + 1
        oldest = max(self._file.base + 1, self._next - records, archived + 1)
        self._archive_from = -(-(oldest - 1) // self._segment) * self._segment + 1

    @property
    def in_memory(self) -> str | None:
        """Where the ring can be read while this process lives; None: it is the file that was named."""
        return None if self.why_in_memory is None else self.open_at

    @property
    def open_at(self) -> str:
        """Where the ring can be read while this process lives, also when it has no name any more."""
        return f"/proc/{os.getpid()}/fd/{self._file.descriptor}"

    def is_at(self, path: Path) -> bool:
        """Whether the ring is the file at this path; for any thread, and it may wait for storage.

        Raises:
            OSError: the place cannot be looked at.
        """
        return files.is_at(self._file.descriptor, path)

    @property
    def why_in_memory(self) -> str | None:
        """What the storage said that took no ring; None: it did."""
        return self._file.why_in_memory

    def knows(self, run: bytes, frame_id: int) -> bool:
        """Whether the ring has a record of this frame."""
        return frame_id in self._ids.get(run, ())

    def begin(self, run: bytes, frame_id: int) -> Arrival:
        """Record that a frame was received; to be called before any work on it.

        Args:
            run: 16 bytes.
            frame_id: 0 to 2^64 - 1.
        """
        slot = self._runs.by_run.get(run)
        seen = frame_id in self._ids.get(run, ())
        if slot is None and not seen:
            started = self._runs.start(run, frame_id, self._next, {key[0] for key in self._open})
            if started is None:
                return Arrival.NO_ROOM
            slot, left = started
            if left is not None:
                self._events.add("run_retired", f"{left.run.hex()}: {left.totals(0)} joined the earlier runs' totals")
        if seen or slot is None:
            return self._count(slot, DUPLICATE, Arrival.DUPLICATE)
        if slot.folded and frame_id <= slot.floor:
            return self._count(slot, TOO_LATE, Arrival.TOO_LATE)
        sequence = self._next
        at = self._at(sequence)
        self._make_room(sequence, at)
        self._memory[at : at + record.BEGIN_SIZE] = record.begin_part(sequence, run, frame_id, time.monotonic_ns())
        self._next = sequence + 1
        self._ids.setdefault(run, set()).add(frame_id)
        self._open[run, frame_id] = sequence
        slot.last = sequence
        if frame_id < slot.highest:
            slot.lowest = min(slot.lowest, frame_id)
            return self._count(slot, REORDERED, Arrival.REORDERED)
        slot.highest = frame_id
        return Arrival.NEW

    def end(self, run: bytes, frame_id: int, status: Status, reason: str | None = None) -> None:
        """Write a frame's terminal record; to be called before its verdict is sent.

        Raises:
            JournalError: the frame is not open: it was never begun, or was ended already.
        """
        sequence = self._open.pop((run, frame_id), None)
        if sequence is None:
            raise JournalError(f"frame {frame_id} of run {run.hex()} is not open: it has its terminal record, or none")
        self._write_end(sequence, run, status, reason)
        if self._next >= self._archive_from + self._segment:
            self._archive_segment()

    def totals(self) -> dict[bytes, Totals]:
        """Each run's account."""
        return {run: slot.totals(self._open_of(run)) for run, slot in self._runs.by_run.items()}

    def retired(self) -> Totals:
        """The account of all runs that had to leave the run table; what they missed is not known any more."""
        _, (answered, rejected, skipped, *events) = self._runs.retired()
        return Totals(answered + rejected + skipped, 0, answered, rejected, skipped, 0, *events)

    def entries(self) -> list[Entry]:
        """The records that are still in the ring, in the order of their arrival."""
        return record.read_all(self._memory, self._records_at, self._records)

    def take_events(self) -> list[Event]:
        """What happened since the last call beside the records: see docs/journal.md."""
        return self._events.take()

    def close(self) -> None:
        """Write what waits for the archive, and let go of the file. Open frames stay open, as after a kill."""
        if self._archive is not None:
            self._archive.close()
        self._file.close()

    def _at(self, sequence: int) -> int:
        return self._records_at + (sequence - 1) % self._records * record.SIZE

    def _open_of(self, run: bytes) -> int:
        return sum(key[0] == run for key in self._open)

    def _count(self, slot: Run | None, kind: int, arrival: Arrival) -> Arrival:
        if slot is not None:
            slot.counts[kind] += 1
            self._runs.write(slot)
        return arrival

    def _write_end(self, sequence: int, run: bytes, status: Status, reason: str | None) -> None:
        self._put_end(sequence, status, reason)
        self._runs.ended(run, sequence, status)

    def _put_end(self, sequence: int, status: Status, reason: str | None) -> None:
        at = self._at(sequence) + record.END_AT
        self._memory[at : at + record.END_SIZE] = record.end_part(sequence, time.monotonic_ns(), status, reason)

    def _make_room(self, sequence: int, at: int) -> None:
        """Fold the record that is to be overwritten into its run's totals."""
        old = record.read(self._memory, at)
        if old is None:
            return
        key = old.run, old.frame_id
        if key in self._open:
            del self._open[key]
            self._write_end(old.sequence, old.run, Status.SKIPPED, OVERRUN)
            self._events.add("journal_overrun", f"frame {old.frame_id}: still open {self._records} frames later")
            old = record.read(self._memory, at) or old
        self._runs.fold(old)
        ids = self._ids.get(old.run)
        if ids is not None:
            ids.discard(old.frame_id)
            if not ids:
                del self._ids[old.run]

    def _recover(self) -> list[Entry]:
        """Close what a killed process left open, and count what is in the ring."""
        for entry in self.entries():
            self._ids.setdefault(entry.run, set()).add(entry.frame_id)
            if entry.status is None:
                self._put_end(entry.sequence, Status.SKIPPED, RESTART)
                self._events.add("closed_after_restart", f"frame {entry.frame_id} of run {entry.run.hex()}")
        entries = self.entries()
        self._runs.recount(entries)
        return entries

    def _archive_segment(self) -> None:
        """Hand over the oldest whole segment, once all its frames have ended."""
        first, after = self._archive_from, self._archive_from + self._segment
        if any(sequence < after for sequence in self._open.values()):
            return
        self._archive_from = after
        if self._archive is not None and first > self._next - 1 - self._records:
            at = self._at(first)
            self._archive.offer(first, self._memory[at : at + self._segment * record.SIZE])
