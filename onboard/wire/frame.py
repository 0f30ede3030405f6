"""The frame message: a header of 128 bytes, then the raw pixels. The pixels are never copied here."""

import struct
import zlib
from collections.abc import Mapping
from typing import Annotated

import msgspec

from onboard.wire.error import WireError
from onboard.wire.formats import PixelFormat

MAGIC, VERSION = b"DRFM", 1
# docs/wire.md has the table of these fields.
_FIELDS = struct.Struct("<4sHH16sQQQQIIIIHHI4dQI")
_CRC = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CRC.size
_HAS_BOX = 1
_FORMATS: Mapping[int, PixelFormat] = {item.value: item for item in PixelFormat}

BOX_SOURCES = ("none", "detector", "tracker", "sidecar", "simulation", "finder")
"""Who made the box, by number."""

Buffer = bytes | bytearray | memoryview
Box = tuple[float, float, float, float]


class Limits(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a receiver takes at most; checked before anything is allocated.

    Attributes:
        width_px, height_px: largest frame.
        payload_bytes: largest payload.
    """

    width_px: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 8192
    height_px: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 8192
    payload_bytes: Annotated[int, msgspec.Meta(ge=1, le=1 << 31)] = 64 << 20


class Header(msgspec.Struct, frozen=True):
    """What is known of a frame beside its pixels.

    Attributes:
        run: 16 bytes, a UUID that the sender draws at its start; with `frame_id` it names the frame.
        frame_id: 0 to 2^64 - 1, one more for each exposure.
        exposure_start_ns, exposure_end_ns, sent_ns: the sender's monotonic clock.
        width, height: pixels.
        stride: bytes from one row to the next.
        pixel_format: of the payload.
        box: x_min, y_min, x_max, y_max in frame pixels (edges), or None. Any four numbers pass: the node rejects those
            that make no box, with a verdict.
        box_source: one of `BOX_SOURCES`; `none` without a box.
        payload_bytes: stride x height.
        payload_crc32: of the payload.
    """

    run: bytes
    frame_id: int
    exposure_start_ns: int
    exposure_end_ns: int
    sent_ns: int
    width: int
    height: int
    stride: int
    pixel_format: PixelFormat
    box: Box | None
    box_source: str
    payload_bytes: int
    payload_crc32: int

    @property
    def key(self) -> tuple[bytes, int]:
        """What names the frame: its run and its id."""
        return self.run, self.frame_id


class Message(msgspec.Struct, frozen=True):
    """A frame as it came: its header, and its pixels as a view of the very bytes that were received."""

    header: Header
    payload: memoryview


def encode(header: Header) -> bytes:
    """The header's 128 bytes; the payload goes behind it, or as the second part of a ZeroMQ message.

    Raises:
        struct.error, ValueError: a value does not fit its field (the sender's mistake).
    """
    if len(header.run) != 16:
        raise ValueError(f"run: {len(header.run)} bytes, the 16 bytes of a UUID are needed")
    fields = _FIELDS.pack(
        MAGIC,
        VERSION,
        HEADER_BYTES,
        header.run,
        header.frame_id,
        header.exposure_start_ns,
        header.exposure_end_ns,
        header.sent_ns,
        header.width,
        header.height,
        header.stride,
        header.pixel_format,
        0 if header.box is None else _HAS_BOX,
        BOX_SOURCES.index(header.box_source),
        0,
        *(header.box or (0.0, 0.0, 0.0, 0.0)),
        header.payload_bytes,
        header.payload_crc32,
    )
    return fields + _CRC.pack(zlib.crc32(fields))


def read_header(data: Buffer, limits: Limits) -> Header:
    """Decode and check the first 128 bytes of `data`.

    Raises:
        WireError: for anything that is not a sound header within the limits, and for nothing else.
    """
    if len(data) < HEADER_BYTES:
        raise WireError("wire_too_short", f"{len(data)} bytes, a header has {HEADER_BYTES}")
    head = bytes(data[:HEADER_BYTES])
    (
        magic, version, size, run, frame_id, start_ns, end_ns, sent_ns, width, height, stride, number, flags, source,
        reserved, x_min, y_min, x_max, y_max, payload_bytes, payload_crc32,
    ) = _FIELDS.unpack_from(head)  # fmt: skip
    if magic != MAGIC:
        raise WireError("wire_bad_magic", f"begins with {magic!r}, {MAGIC!r} is needed")
    if version != VERSION or size != HEADER_BYTES:
        raise WireError("wire_version", f"version {version} with a header of {size} bytes, version {VERSION} is read")
    if _CRC.unpack_from(head, _FIELDS.size)[0] != zlib.crc32(head[: _FIELDS.size]):
        raise WireError("wire_header_crc", "the header's checksum does not match: it was altered on its way")
    key = run, frame_id
    if number not in _FORMATS:
        raise WireError("wire_pixel_format", f"pixel format {number:#010x} is not one that is read here", key)
    has_box = bool(flags & _HAS_BOX)
    if flags & ~_HAS_BOX or reserved or source >= len(BOX_SOURCES) or has_box != (source != 0):
        raise WireError("wire_flags", f"flags {flags:#x}, box source {source}, reserved {reserved}: no such", key)
    header = Header(
        run, frame_id, start_ns, end_ns, sent_ns, width, height, stride, _FORMATS[number],
        (x_min, y_min, x_max, y_max) if has_box else None, BOX_SOURCES[source], payload_bytes, payload_crc32,
    )  # fmt: skip
    _check_times(header)
    _check_size(header, limits)
    return header


def decode(data: Buffer, payload: Buffer | None, limits: Limits, checksum: bool = True) -> Message:
    """Decode and check a frame message; the pixels are not copied.

    Args:
        data: the header, with the pixels behind it where `payload` is None.
        payload: the pixels, where they came apart.
        limits: what is taken at most.
        checksum: whether to check the payload's CRC32.

    Raises:
        WireError: for anything that is not a sound message, and for nothing else.
    """
    return message_of(read_header(data, limits), data, payload, checksum)


def message_of(header: Header, data: Buffer, payload: Buffer | None, checksum: bool = True) -> Message:
    """As `decode`, of a header that has been read already.

    Raises:
        WireError: the pixels are not those that it announces.
    """
    if payload is None:
        data, payload = memoryview(data)[:HEADER_BYTES], memoryview(data)[HEADER_BYTES:]
    if len(data) != HEADER_BYTES or len(payload) != header.payload_bytes:
        raise WireError(
            "wire_payload_length",
            f"a header of {len(data)} and a payload of {len(payload)} bytes, {HEADER_BYTES} and "
            f"{header.payload_bytes} were announced",
            header.key,
        )
    if checksum:
        check_payload(payload, header)
    return Message(header, memoryview(payload))


def check_payload(payload: Buffer, header: Header) -> None:
    """Check the pixels' CRC32.

    Raises:
        WireError: it is another one than the header's.
    """
    if zlib.crc32(payload) != header.payload_crc32:
        raise WireError("wire_payload_crc", "the pixels' checksum does not match: they were altered", header.key)


def _check_times(header: Header) -> None:
    if not header.exposure_start_ns <= header.exposure_end_ns <= header.sent_ns < 1 << 63:
        raise WireError(
            "wire_times",
            f"exposure from {header.exposure_start_ns} to {header.exposure_end_ns} ns, sent at {header.sent_ns}: "
            "these must not fall, and must be below 2^63",
            header.key,
        )


def _check_size(header: Header, limits: Limits) -> None:
    width, height, stride = header.width, header.height, header.stride
    if not (0 < width <= limits.width_px and 0 < height <= limits.height_px):
        raise WireError(
            "wire_size", f"{width} x {height} px; 1 x 1 to {limits.width_px} x {limits.height_px} is taken", header.key
        )
    needed = header.pixel_format.row_bytes(width)
    if stride < needed:
        raise WireError("wire_stride", f"{stride} bytes a row; {width} px need at least {needed}", header.key)
    if header.payload_bytes != stride * height:
        raise WireError(
            "wire_payload_length",
            f"{header.payload_bytes} bytes announced, {height} rows of {stride} needed",
            header.key,
        )
    if header.payload_bytes > limits.payload_bytes:
        raise WireError(
            "wire_too_large", f"{header.payload_bytes} bytes; at most {limits.payload_bytes} are taken", header.key
        )
