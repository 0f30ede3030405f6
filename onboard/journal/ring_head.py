"""The first bytes of a ring, and how large one is."""

import struct
import zlib

from onboard.journal import record, runs

MAGIC, _VERSION = b"DRJR", 1
_HEADER = struct.Struct("<4sHHIIQ")
_CRC = struct.Struct("<I")
HEADER_BYTES, RUNS_AT = _HEADER.size + _CRC.size, 4096


def read_sizes(start: bytes, file_bytes: int) -> tuple[int, int, int] | None:
    """Records, run slots and base of a ring by its first bytes; None where it is no whole one."""
    if len(start) < HEADER_BYTES or _CRC.unpack_from(start, _HEADER.size)[0] != zlib.crc32(start[: _HEADER.size]):
        return None
    magic, version, size, records, run_slots, base = _HEADER.unpack_from(start)
    if (magic, version, size) != (MAGIC, _VERSION, record.SIZE) or file_bytes != ring_bytes(records, run_slots):
        return None
    return records, run_slots, base


def records_at(run_slots: int) -> int:
    """Where the records begin."""
    return RUNS_AT + run_slots * runs.SLOT


def ring_bytes(records: int, run_slots: int = 64) -> int:
    """Size of the file."""
    return records_at(run_slots) + records * record.SIZE


def head(records: int, run_slots: int, base: int) -> bytes:
    """The first bytes of a new one."""
    fields = _HEADER.pack(MAGIC, _VERSION, record.SIZE, records, run_slots, base)
    return fields + _CRC.pack(zlib.crc32(fields))
