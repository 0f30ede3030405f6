"""One frame's record of 128 bytes: a part that is written when it arrives, and a part that is written when it ends.

Each part has its own checksum, so that a process killed in the middle of either leaves something that is recognised:
half a first part is no frame, half a second part is a frame without an end. Both carry the record's sequence number; a
second part that was left by the slot's earlier frame has another one.
"""

import mmap
import struct
import zlib

import msgspec

from onboard.messages import Status

SIZE = 128
_BEGIN = struct.Struct("<Q16sQQ")
_END = struct.Struct("<QQB3x48s")
_CRC = struct.Struct("<I")
BEGIN_SIZE, END_AT, END_SIZE = _BEGIN.size + _CRC.size, 48, _END.size + _CRC.size
_CODES = {Status.ANSWERED: 1, Status.REJECTED: 2, Status.SKIPPED: 3}
_STATUSES = {code: status for status, code in _CODES.items()}
_REASON_BYTES = 48


class Entry(msgspec.Struct, frozen=True):
    """A record.

    Attributes:
        sequence: counts all records of the journal.
        run, frame_id: name the frame.
        received_ns, ended_ns: the node's monotonic clock; ended_ns is 0 while there is no end.
        status: how it ended, or None while there is no end.
        reason: its machine-readable reason, or None.
    """

    sequence: int
    run: bytes
    frame_id: int
    received_ns: int
    ended_ns: int
    status: Status | None
    reason: str | None


def begin_part(sequence: int, run: bytes, frame_id: int, received_ns: int) -> bytes:
    """The first part, to be written at the record's start."""
    fields = _BEGIN.pack(sequence, run, frame_id, received_ns)
    return fields + _CRC.pack(zlib.crc32(fields))


def end_part(sequence: int, ended_ns: int, status: Status, reason: str | None) -> bytes:
    """The second part, to be written at `END_AT` of the record; a reason is cut at 48 bytes."""
    text = (reason or "").encode("ascii", errors="replace")[:_REASON_BYTES]
    fields = _END.pack(sequence, ended_ns, _CODES[status], text)
    return fields + _CRC.pack(zlib.crc32(fields))


def read(buffer: bytes | mmap.mmap, offset: int) -> Entry | None:
    """The record at `offset`, or None where there is none, or only a torn one."""
    data = bytes(buffer[offset : offset + SIZE])
    if _CRC.unpack_from(data, _BEGIN.size)[0] != zlib.crc32(data[: _BEGIN.size]):
        return None
    sequence, run, frame_id, received_ns = _BEGIN.unpack_from(data)
    if not sequence:
        return None
    end = data[END_AT : END_AT + END_SIZE]
    ended_by, ended_ns, code, text = _END.unpack_from(end)
    whole = _CRC.unpack_from(end, _END.size)[0] == zlib.crc32(end[: _END.size])
    if not whole or ended_by != sequence or code not in _STATUSES:
        return Entry(sequence, run, frame_id, received_ns, 0, None, None)
    reason = text.rstrip(b"\0").decode("ascii", errors="replace") or None
    return Entry(sequence, run, frame_id, received_ns, ended_ns, _STATUSES[code], reason)


def read_all(buffer: bytes | mmap.mmap, offset: int, count: int) -> list[Entry]:
    """All sound records of `count` from `offset` on, in the order of their arrival."""
    found = (read(buffer, offset + n * SIZE) for n in range(count))
    return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.sequence)
