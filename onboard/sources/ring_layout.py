"""A ring of frames in shared memory: one process writes, any number read. docs/sources.md has the layout.

A plain mapped file on a tmpfs, not `multiprocessing.shared_memory`: before Python 3.13 that one's tracker removes a
segment when a process that only reads it ends.
"""

import mmap
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.wire.frame import HEADER_BYTES

MAGIC, VERSION = b"DRSM", 1
HEAD = struct.Struct("<4sHHIIQ")
HEAD_CRC = struct.Struct("<I")
HEAD_PAGE, COUNT_AT = 4096, 64
MESSAGE_AT = 64  # in a slot, behind its sequence number
PAYLOAD_AT = MESSAGE_AT + HEADER_BYTES


@dataclass(frozen=True)
class Layout:
    """Sizes of a ring.

    Attributes:
        slots: frames that it holds.
        payload_bytes: of the largest frame.
    """

    slots: int
    payload_bytes: int

    @property
    def slot_bytes(self) -> int:
        """Whole pages."""
        return -(-(PAYLOAD_AT + self.payload_bytes) // 4096) * 4096

    @property
    def total_bytes(self) -> int:
        return HEAD_PAGE + self.slots * self.slot_bytes

    def offset(self, count: int) -> int:
        """Where frame number `count` (from 1 on) lies."""
        return HEAD_PAGE + (count - 1) % self.slots * self.slot_bytes

    def head(self) -> bytes:
        fields = HEAD.pack(MAGIC, VERSION, HEADER_BYTES, self.slots, 0, self.payload_bytes)
        return fields + HEAD_CRC.pack(zlib.crc32(fields))


def read_layout(head: bytes) -> Layout | None:
    """The sizes that a ring's first bytes tell, or None where they are those of no ring."""
    if len(head) < HEAD.size + HEAD_CRC.size:
        return None
    magic, version, size, slots, _, payload_bytes = HEAD.unpack_from(head)
    if HEAD_CRC.unpack_from(head, HEAD.size)[0] != zlib.crc32(head[: HEAD.size]):
        return None
    if (magic, version, size) != (MAGIC, VERSION, HEADER_BYTES) or slots < 2:
        return None
    return Layout(slots, payload_bytes)


def numbers(memory: mmap.mmap) -> npt.NDArray[np.uint64]:
    """The whole ring as 64-bit numbers: storing or loading one of them is a single access, which bytes may not be."""
    return np.frombuffer(memory, np.uint64)
