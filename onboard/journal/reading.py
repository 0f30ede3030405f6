"""Looking into a journal from outside, also while its node runs: nothing is locked, closed or changed."""

import mmap
from dataclasses import dataclass
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from onboard.journal import record
from onboard.journal.record import Entry
from onboard.journal.ring_head import HEADER_BYTES, RUNS_AT, read_sizes, records_at
from onboard.journal.runs import RunTable, Totals


@dataclass(frozen=True)
class Snapshot:
    """What a ring held when it was read.

    Attributes:
        totals: each run's account.
        entries: the records in the ring, in the order of their arrival.
    """

    totals: dict[bytes, Totals]
    entries: list[Entry]


def read_ring(path: Path) -> Snapshot:
    """Read a ring.

    Raises:
        InputError: it cannot be read, or is no whole ring.
    """
    try:
        with files.open_regular(path) as file:
            head = file.read(HEADER_BYTES)
            sizes = read_sizes(head, path.stat().st_size)
            if sizes is None:
                raise InputError(f"{path}: not the ring of a journal; an archive is named journal-<number>.drj")
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    with memory:
        records, run_slots, _ = sizes
        table = RunTable(memory, RUNS_AT, run_slots)
        entries = record.read_all(memory, records_at(run_slots), records)
    table.recount(entries)
    still_open = [entry.run for entry in entries if entry.status is None]
    totals = {run: slot.totals(still_open.count(run)) for run, slot in table.by_run.items()}
    return Snapshot(totals, entries)
