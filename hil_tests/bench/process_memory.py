"""Bits turned in the memory of another process, as a particle does (Linux)."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20  # bytes; a search holds Python's lock, and with it the stream


@dataclass(frozen=True)
class Turn:
    """Neighbouring bits of one weight.

    Attributes:
        tensor, index: the number, in the order of memory.
        bit, bits: the lowest that is turned, and how many.
        stored: the whole tensor as it lies in memory.
        in_front: what lies in front of it in the model's file.
    """

    tensor: str
    index: int
    bit: int
    bits: int
    stored: bytes
    in_front: bytes

    @property
    def mask(self) -> int:
        """Of the number's 32 bits."""
        return ((1 << self.bits) - 1) << self.bit

    def said(self) -> str:
        """In words."""
        last = self.bit + self.bits - 1
        return f"{self.tensor}[{self.index}], bit{f's {self.bit} to' if self.bits > 1 else ''} {last}"


@dataclass(frozen=True)
class Turned:
    """What was done: the turn in words, how many copies were struck, and why there was none where something refused."""

    weight: str
    copies: int
    refused: str = ""


def turn(pid: int, change: Turn) -> Turned:
    """Turn the bits in every copy of the weight that the process could compute with.

    Copies inside an image of the model's file are left alone: no engine computes with those.
    """
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    except OSError as error:  # no such process, no /proc, or no right to (ptrace(2); yama's ptrace_scope)
        return Turned(change.said(), 0, f"the node's memory cannot be opened ({error.strerror})")
    try:
        places = [at for start, end in _writable(pid) for at in _found(memory, start, end, change.stored)]
        copies = sum(_turned(memory, at, change) for at in places)
        return Turned(change.said(), copies, "" if copies else "no copy of the weight was found in the node's memory")
    except OSError as error:
        return Turned(change.said(), 0, f"the node's memory cannot be changed ({error.strerror})")
    finally:
        os.close(memory)


def _writable(pid: int) -> Iterator[tuple[int, int]]:
    """Private mappings that belong to no file."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        ends, rights, _, _, inode = line.split()[:5]
        if rights.startswith("rw") and rights.endswith("p") and inode == "0":
            start, end = (int(each, 16) for each in ends.split("-"))
            yield start, end


def _found(memory: int, start: int, end: int, wanted: bytes) -> Iterator[int]:
    for at in range(start, end, _CHUNK):
        data = _read(memory, min(_CHUNK + len(wanted) - 1, end - at), at)
        place = data.find(wanted)
        while place >= 0:
            yield at + place
            place = data.find(wanted, place + 1)


def _turned(memory: int, at: int, change: Turn) -> bool:
    """Whether the copy was turned; looked at once more, for it may have been freed since it was found."""
    front = len(change.in_front)
    found = _read(memory, front + len(change.stored), at - front)
    if found[front:] != change.stored or found[:front] == change.in_front:
        return False
    place = 4 * change.index
    number = int.from_bytes(change.stored[place : place + 4], "little") ^ change.mask
    return os.pwrite(memory, number.to_bytes(4, "little"), at + place) == 4


def _read(memory: int, size: int, at: int) -> bytes:
    try:
        return os.pread(memory, size, at)
    except OSError:  # a mapping that is gone
        return b""
