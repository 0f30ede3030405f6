"""The file below the journal: allocated whole, locked by one process, mapped into memory."""

import mmap
import os
from dataclasses import dataclass
from pathlib import Path

from onboard import files, hold
from onboard.errors import InputError
from onboard.event import Events
from onboard.journal.foreign import refuse_foreign
from onboard.journal.ring_head import HEADER_BYTES, head, read_sizes, records_at, ring_bytes

_MOST_TRIES = 5


@dataclass
class RingFile:
    """An open ring.

    Attributes:
        memory: the whole file.
        records: how many records it holds.
        base: all its sequence numbers are above this.
        records_at: where the records begin; the run table lies before them, at `RUNS_AT`.
        why_in_memory: why it lies in memory alone, such as `Read-only file system`; None: it is the file.
    """

    memory: mmap.mmap
    descriptor: int
    records: int
    runs: int
    base: int
    why_in_memory: str | None = None

    @property
    def records_at(self) -> int:
        return records_at(self.runs)

    def close(self) -> None:
        self.memory.close()
        os.close(self.descriptor)  # which unlocks it


def open_ring(path: Path, records: int, run_slots: int, base: int, events: Events) -> RingFile:
    """Open the ring, or make one; one that is damaged is set aside, for a node has to fly. On storage that
    is read-only or failing it is made in memory alone, for the same reason.

    Args:
        path: of the file; best on a tmpfs, for then no storage is in the loop.
        records, run_slots: what a new one holds.
        base: sequence numbers of a new one begin above this.
        events: told of a ring that was set aside.

    Raises:
        InputError: another process has it, its sizes are others, something else lies there, or it cannot be made here.
    """
    path = Path(os.path.realpath(path))  # a link stays, also one whose file a reset took
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _opened(path, records, run_slots, base, events)
    except OSError as error:
        if error.errno in files.FAILING:
            return _in_memory(path, records, run_slots, base, str(error.strerror))
        raise InputError(
            f"{path}: the journal cannot be kept here ({error.strerror}); {ring_bytes(records, run_slots)} bytes are "
            "needed: name another place"
        ) from error


def aside(path: Path) -> Path:
    """Where a damaged ring goes."""
    return path.with_name(path.name + ".damaged")


def _in_memory(path: Path, records: int, run_slots: int, base: int, why: str) -> RingFile:
    """A new one that ends with the process; others can read it meanwhile, by its descriptor below /proc."""
    descriptor = os.memfd_create("journal", os.MFD_CLOEXEC)
    try:
        os.posix_fallocate(descriptor, 0, ring_bytes(records, run_slots))
        os.pwrite(descriptor, head(records, run_slots, base), 0)
        memory = mmap.mmap(descriptor, 0)
    except OSError as error:
        os.close(descriptor)
        raise InputError(
            f"{path}: cannot be written ({why}), and there is no memory for the journal either ({error.strerror}); "
            "mount it for writing, or name another place"
        ) from error
    return RingFile(memory, descriptor, records, run_slots, base, why)


def _opened(path: Path, records: int, run_slots: int, base: int, events: Events) -> RingFile:
    """Open what is there, or is made here. Another process may make one, or set one aside, at any point."""
    made = False
    for _ in range(_MOST_TRIES):
        refuse_foreign(path, records, run_slots)
        if not path.exists():
            made = _make(path, records, run_slots, base)
        descriptor = _hold(path)
        if descriptor is None:
            continue
        try:
            opened = _map(path, descriptor, records, run_slots)
            if opened is not None:
                return opened
            if made:
                raise InputError(f"{path}: what was just written there reads differently; name another place")
            path.replace(aside(path))  # as long as it is locked: what comes to its place then is not moved
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        events.add(
            "journal_set_aside", f"{path}: not a whole journal; it is {aside(path).name} now, and a new one begins"
        )
    raise InputError(f"{path}: another process takes this file away again and again; stop it, or name another file")


def _make(path: Path, records: int, run_slots: int, base: int) -> bool:
    """Allocate it beside its place: a sparse file would kill the process when the disk is full. False: another process
    was first, and its file stays."""
    files.remove_left_parts(path.parent, path.name)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part.{os.urandom(4).hex()}")
    try:
        with beside.open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, ring_bytes(records, run_slots))
            file.write(head(records, run_slots, base))
        files.rename_new(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    return True


def _hold(path: Path) -> int | None:
    """Open the file and lock it; None where another one, or none, has its place by then."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not hold.locked(descriptor):
            raise InputError(f"{path}: {hold.holder(descriptor)} keeps this journal; stop it, or name another file")
        if files.is_at(descriptor, path):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _map(path: Path, descriptor: int, records: int, run_slots: int) -> RingFile | None:
    """Map a locked file; None where it is no whole ring."""
    sizes = read_sizes(os.pread(descriptor, HEADER_BYTES, 0), os.fstat(descriptor).st_size)
    if sizes is None:
        return None
    found_records, found_runs, base = sizes
    if (found_records, found_runs) != (records, run_slots):
        raise InputError(
            f"{path}: holds {found_records} records and {found_runs} runs, but {records} and {run_slots} are "
            "configured; set these, or move the file away"
        )
    os.posix_fallocate(descriptor, 0, ring_bytes(records, run_slots))  # a copied file may have become sparse
    return RingFile(mmap.mmap(descriptor, 0), descriptor, records, run_slots, base)
