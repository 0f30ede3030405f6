"""The file below the journal: allocated whole, locked by one process, mapped into memory."""

import mmap
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from onboard import files, hold
from onboard.errors import InputError
from onboard.event import Events
from onboard.journal import record, runs
from onboard.journal.foreign import what_else

_MAGIC, _VERSION = b"DRJR", 1
_HEADER = struct.Struct("<4sHHIIQ")
_CRC = struct.Struct("<I")
HEADER_BYTES, RUNS_AT = _HEADER.size + _CRC.size, 4096


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
        refuse_foreign(path, records, run_slots)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            opened = _open(path, records, run_slots)
            if opened is not None:
                return opened
            path.replace(aside(path))
            events.add(
                "journal_set_aside", f"{path}: not a whole journal; it is {aside(path).name} now, and a new one begins"
            )
        _make(path, records, run_slots, base)
        opened = _open(path, records, run_slots)
    except OSError as error:
        if error.errno in files.FAILING:
            return _in_memory(path, records, run_slots, base, str(error.strerror))
        raise InputError(
            f"{path}: the journal cannot be kept here ({error.strerror}); {ring_bytes(records, run_slots)} bytes are "
            "needed: name another place"
        ) from error
    if opened is None:
        raise InputError(f"{path}: what was just written there reads differently; name another place")
    return opened


def aside(path: Path) -> Path:
    """Where a damaged ring goes."""
    return path.with_name(path.name + ".damaged")


def refuse_foreign(path: Path, records: int, run_slots: int = 64) -> None:
    """Refuse a place where something lies that never was a ring; nothing is changed.

    Raises:
        InputError: it does.
        OSError: the place cannot be looked at.
    """
    found = what_else(path, _MAGIC, ring_bytes(records, run_slots))
    if found is not None:
        raise InputError(f"{path}: is {found}, and no journal; set journal.ring to another place, or move it away")


def read_sizes(head: bytes, file_bytes: int) -> tuple[int, int, int] | None:
    """Records, run slots and base of a ring by its first bytes; None where it is no whole one."""
    if len(head) < HEADER_BYTES or _CRC.unpack_from(head, _HEADER.size)[0] != zlib.crc32(head[: _HEADER.size]):
        return None
    magic, version, size, records, run_slots, base = _HEADER.unpack_from(head)
    if (magic, version, size) != (_MAGIC, _VERSION, record.SIZE) or file_bytes != ring_bytes(records, run_slots):
        return None
    return records, run_slots, base


def records_at(run_slots: int) -> int:
    """Where the records begin."""
    return RUNS_AT + run_slots * runs.SLOT


def ring_bytes(records: int, run_slots: int = 64) -> int:
    """Size of the file."""
    return records_at(run_slots) + records * record.SIZE


def _head(records: int, run_slots: int, base: int) -> bytes:
    fields = _HEADER.pack(_MAGIC, _VERSION, record.SIZE, records, run_slots, base)
    return fields + _CRC.pack(zlib.crc32(fields))


def _in_memory(path: Path, records: int, run_slots: int, base: int, why: str) -> RingFile:
    """A new one that ends with the process; others can read it meanwhile, by its descriptor below /proc."""
    descriptor = os.memfd_create("journal", os.MFD_CLOEXEC)
    try:
        os.posix_fallocate(descriptor, 0, ring_bytes(records, run_slots))
        os.pwrite(descriptor, _head(records, run_slots, base), 0)
        memory = mmap.mmap(descriptor, 0)
    except OSError as error:
        os.close(descriptor)
        raise InputError(
            f"{path}: cannot be written ({why}), and there is no memory for the journal either ({error.strerror}); "
            "mount it for writing, or name another place"
        ) from error
    return RingFile(memory, descriptor, records, run_slots, base, why)


def _make(path: Path, records: int, run_slots: int, base: int) -> None:
    """Allocate it beside its place: a sparse file would kill the process when the disk is full."""
    beside = path.with_name(f".{path.name}.part")
    beside.unlink(missing_ok=True)
    try:
        with beside.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, ring_bytes(records, run_slots))
            file.write(_head(records, run_slots, base))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _open(path: Path, records: int, run_slots: int) -> RingFile | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        if not hold.locked(descriptor):
            raise InputError(f"{path}: {hold.holder(descriptor)} keeps this journal; stop it, or name another file")
        sizes = read_sizes(os.pread(descriptor, HEADER_BYTES, 0), os.fstat(descriptor).st_size)
        if sizes is None:
            os.close(descriptor)
            return None
        found_records, found_runs, base = sizes
        if (found_records, found_runs) != (records, run_slots):
            raise InputError(
                f"{path}: holds {found_records} records and {found_runs} runs, but {records} and {run_slots} are "
                "configured; set these, or move the file away"
            )
        os.posix_fallocate(descriptor, 0, ring_bytes(records, run_slots))  # a copied file may have become sparse
        return RingFile(mmap.mmap(descriptor, 0), descriptor, records, run_slots, base)
    except BaseException:
        os.close(descriptor)
        raise
