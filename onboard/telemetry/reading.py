"""Reads packets by docs/telemetry.md, with the standard library alone: a second opinion on what the node made."""

import binascii
import struct
from collections.abc import Iterator
from typing import NamedTuple

_HEADER, _SECOND = struct.Struct(">HHH"), struct.Struct(">BBBHH")
_CDS, _CUC = 0x40, 0x2F
_TIME_BYTES = {_CDS: 7, _CUC: 8}
_STAMP_AT = _HEADER.size + _SECOND.size
_CRC_BYTES = 2
_UNIX_DAY = 4383  # of 1970-01-01 since 1958-01-01


class Packet(NamedTuple):
    """A packet whose checksum holds.

    Attributes:
        apid, sequence: of the primary header.
        service, subtype, type_count, destination: of the secondary header.
        time: `utc_s` since 1970 or `monotonic_s` since the node's host was booted, by its name.
        data: the source data.
    """

    apid: int
    sequence: int
    service: int
    subtype: int
    type_count: int
    destination: int
    time: dict[str, float]
    data: bytes


class Garbage(NamedTuple):
    """Bytes that belong to no packet, such as one that a killed process wrote half."""

    offset: int
    size: int


def packets(data: bytes | memoryview) -> Iterator[Packet | Garbage]:
    """All packets that lie one behind the other, and what lies between them that is none."""
    view, at, lost_from = memoryview(data), 0, None
    while at < len(view):
        found = _at(view, at)
        if found is None:
            lost_from = at if lost_from is None else lost_from
            at += 1
            continue
        if lost_from is not None:
            yield Garbage(lost_from, at - lost_from)
            lost_from = None
        packet, size = found
        yield packet
        at += size
    if lost_from is not None:
        yield Garbage(lost_from, at - lost_from)


def _at(view: memoryview, at: int) -> tuple[Packet, int] | None:
    """The packet that begins here, and its size; None where none does."""
    if len(view) - at < _STAMP_AT + 1:
        return None
    first, control, length = _HEADER.unpack_from(view, at)
    size = _HEADER.size + length + 1
    if first >> 11 != 0b00001 or control >> 14 != 0b11 or size > len(view) - at:  # telemetry, with a second header
        return None
    version, service, subtype, count, destination = _SECOND.unpack_from(view, at + _HEADER.size)
    time_bytes = _TIME_BYTES.get(view[at + _STAMP_AT])
    if version >> 4 != 2 or time_bytes is None or size < _STAMP_AT + time_bytes + _CRC_BYTES:
        return None
    if binascii.crc_hqx(view[at : at + size], 0xFFFF):  # over its own checksum too, which makes it 0
        return None
    data_at = at + _STAMP_AT + time_bytes
    time = _time(bytes(view[at + _STAMP_AT : data_at]))
    data = bytes(view[data_at : at + size - _CRC_BYTES])
    return Packet(first & 0x7FF, control & 0x3FFF, service, subtype, count, destination, time, data), size


def _time(stamp: bytes) -> dict[str, float]:
    if stamp[0] == _CDS:
        _, days, ms = struct.unpack(">BHI", stamp)
        return {"utc_s": (days - _UNIX_DAY) * 86_400 + ms / 1000}
    _, seconds = struct.unpack_from(">BI", stamp)
    return {"monotonic_s": seconds + int.from_bytes(stamp[5:], "big") / (1 << 24)}
