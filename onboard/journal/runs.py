"""Each run's totals, kept when its records are overwritten.

A run has a slot of two copies that are written in turn: a process killed in the middle of one leaves the other. What a
slot holds changes in one write, so a record is either still counted in the ring or already in here, never both: its
sequence number is above `folded` or not.
"""

import mmap
import struct
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

from onboard.journal.record import Entry
from onboard.messages import Status

COPY, SLOT = 256, 512
_FIELDS = struct.Struct("<QQQ16sQQQQ6Q6Q")
_CRC = struct.Struct("<I")
ORDER = (Status.ANSWERED, Status.REJECTED, Status.SKIPPED)
DUPLICATE, REORDERED, TOO_LATE = 3, 4, 5
_INDEX = {status: n for n, status in enumerate(ORDER)}


class Totals(NamedTuple):
    """A run's account: received = open + answered + rejected + skipped; the rest are events, not frames.

    `missing` are ids between the lowest and the highest that never came: what the link lost.
    """

    received: int
    open: int
    answered: int
    rejected: int
    skipped: int
    missing: int
    duplicates: int
    reordered: int
    too_late: int


@dataclass
class Run:
    """A run's slot.

    Attributes:
        place: of the slot in the table.
        generation: of its newest copy.
        first: sequence number of its first record.
        folded: all its records up to this sequence number are in `counts`.
        lowest, highest: frame ids so far.
        floor: the highest id whose record was overwritten; means nothing while `folded` is 0.
        counts: of folded records by status; of duplicate, reordered and late arrivals.
        retired: counts of the slot's earlier runs, `retired_runs` of them.
        live: of records that are still in the ring, by status; not stored.
        last: sequence number of its newest record; not stored.
    """

    place: int
    generation: int
    first: int
    folded: int
    run: bytes
    lowest: int
    highest: int
    floor: int
    counts: list[int]
    retired: list[int]
    retired_runs: int
    live: list[int] = field(default_factory=lambda: [0, 0, 0])
    last: int = 0

    def totals(self, still_open: int) -> Totals:
        answered, rejected, skipped = (a + b for a, b in zip(self.counts[:3], self.live, strict=True))
        received = answered + rejected + skipped + still_open
        # A run that begins with an arrival which gets no record has a lowest id without a frame.
        missing = max(0, self.highest - self.lowest + 1 - received)
        return Totals(received, still_open, answered, rejected, skipped, missing, *self.counts[3:])


class RunTable:
    """The slots of `count` runs in `memory` from `offset` on."""

    def __init__(self, memory: mmap.mmap, offset: int, count: int) -> None:
        self._memory, self._offset = memory, offset
        self._slots = [self._read(place) for place in range(count)]
        self.by_run = {slot.run: slot for slot in self._slots if slot.generation and slot.first}

    def write(self, slot: Run) -> None:
        """Store the slot, in the copy that is not the newest."""
        slot.generation += 1
        fields = _FIELDS.pack(
            slot.generation, slot.first, slot.folded, slot.run, slot.lowest, slot.highest, slot.floor,
            slot.retired_runs, *slot.counts, *slot.retired,
        )  # fmt: skip
        at = self._offset + slot.place * SLOT + (slot.generation % 2) * COPY
        self._memory[at : at + _FIELDS.size + _CRC.size] = fields + _CRC.pack(zlib.crc32(fields))

    def start(self, run: bytes, frame_id: int, sequence: int, busy: set[bytes]) -> tuple[Run, Run | None] | None:
        """Give a new run a slot: a free one, or that of the run that was quiet for longest and is not `busy`.

        Returns:
            The slot and the run that had to leave it; None where all are busy.
        """
        free = [slot for slot in self._slots if not slot.first] or sorted(
            (slot for slot in self._slots if slot.run not in busy), key=lambda slot: slot.last
        )
        if not free:
            return None
        old = free[0]
        retired, runs = old.retired, old.retired_runs
        if old.first:
            del self.by_run[old.run]
            ended = [a + b for a, b in zip(old.counts, [*old.live, 0, 0, 0], strict=True)]
            retired, runs = [a + b for a, b in zip(retired, ended, strict=True)], runs + 1
        new = Run(old.place, old.generation, sequence, 0, run, frame_id, frame_id, 0, [0] * 6, retired, runs)
        self.write(new)
        self._slots[old.place] = self.by_run[run] = new
        return new, old if old.first else None

    def ended(self, run: bytes, sequence: int, status: Status) -> None:
        """Count a record's end."""
        slot = self.by_run.get(run)
        if slot is not None and sequence >= slot.first:
            slot.live[_INDEX[status]] += 1

    def recount(self, entries: list[Entry]) -> None:
        """Count the records that a ring was opened with."""
        for entry in entries:
            slot = self.by_run.get(entry.run)
            if slot is None or entry.sequence < slot.first:  # of a time before this run had to leave and came back
                continue
            slot.last = max(slot.last, entry.sequence)
            slot.highest = max(slot.highest, entry.frame_id)
            slot.lowest = min(slot.lowest, entry.frame_id)
            if entry.status is not None and entry.sequence > slot.folded:
                self.ended(entry.run, entry.sequence, entry.status)

    def fold(self, entry: Entry) -> None:
        """Take a record that ended, and is about to be overwritten, into its run's stored counts."""
        slot = self.by_run.get(entry.run)
        if slot is None or entry.status is None or entry.sequence <= slot.folded or entry.sequence < slot.first:
            return
        slot.live[_INDEX[entry.status]] -= 1
        slot.counts[_INDEX[entry.status]] += 1
        slot.folded = entry.sequence
        slot.floor = max(slot.floor, entry.frame_id)
        self.write(slot)

    def retired(self) -> tuple[int, list[int]]:
        """How many runs had to leave, and the sums of their counts."""
        sums = [sum(column) for column in zip(*(slot.retired for slot in self._slots), strict=True)]
        return sum(slot.retired_runs for slot in self._slots), sums

    def _read(self, place: int) -> Run:
        newest = Run(place, 0, 0, 0, bytes(16), 0, 0, 0, [0] * 6, [0] * 6, 0)
        for copy in range(2):
            at = self._offset + place * SLOT + copy * COPY
            data = self._memory[at : at + _FIELDS.size + _CRC.size]
            if _CRC.unpack_from(data, _FIELDS.size)[0] != zlib.crc32(data[: _FIELDS.size]):
                continue
            generation, first, folded, run, lowest, highest, floor, retired_runs, *counts = _FIELDS.unpack_from(data)
            if generation > newest.generation:
                retired = list(counts[6:12])
                newest = Run(
                    place, generation, first, folded, run, lowest, highest, floor, list(counts[:6]), retired,
                    retired_runs,
                )  # fmt: skip
        return newest
