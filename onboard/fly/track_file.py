"""Tracks in a mapped file, so that they outlive a process that is killed.

Each track has a slot with two places, which are written in turn: a process killed in the middle of one leaves the
other, which is a frame older.
"""

import mmap
import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from onboard import files
from onboard.errors import InputError
from onboard.track import TrackMemory

_HEADER = struct.Struct("<4sHHI32s")
_MAGIC, _VERSION = b"DRTK", 1
_FIXED = struct.Struct("<Q16sQQdQQdI")  # number, run, highest id, frames, highest, alarm, missing, level, recent ones
_CRC = struct.Struct("<I")
_HEADER_BYTES, MOST_RECENT = 64, 64
_PLACE = _FIXED.size + 8 * MOST_RECENT + _CRC.size


class KeptTrack(NamedTuple):
    """A track of an earlier process.

    Attributes:
        run: 16 bytes.
        highest_id: the last frame id that it has seen.
        memory: where it was.
    """

    run: bytes
    highest_id: int
    memory: TrackMemory


class TrackFile:
    """Keeps the newest state of each of a number of tracks. For one thread; nothing here waits for storage, where the
    file is on a tmpfs. Where that takes nothing they end with the process.

    Args:
        path: of the file, which only one process may have.
        slots: tracks at most.

    Attributes:
        why_in_memory: what the storage said that took no file, such as `Read-only file system`; None: it did.

    Raises:
        InputError: the file cannot be made.
    """

    def __init__(self, path: Path, slots: int) -> None:
        size = file_bytes(slots)
        try:
            self._memory, self.why_in_memory = _mapped(path, size)
        except OSError as error:
            give = "give it to this user (chown), or name" if isinstance(error, PermissionError) else "name"
            raise InputError(
                f"{path}: tracks cannot be kept here ({error.strerror}), where {size} bytes are needed; {give} another "
                "place (journal.ring)"
            ) from error
        self._most = slots
        self._slots: dict[bytes, tuple[int, int]] = {}  # of each run, and the place in it that was written last
        self._free = list(range(slots))
        self._number = 0

    def begin(self, rule: bytes) -> list[KeptTrack]:
        """Keep tracks of this rule; gives what was kept of it, the last written last, and forgets all others.

        Args:
            rule: 32 bytes that name it.
        """
        head = _HEADER.pack(_MAGIC, _VERSION, self._most, _PLACE, rule)
        head += _CRC.pack(zlib.crc32(head))
        if self._memory[: len(head)] != head:
            self.clear()
            self._memory[: len(head)] = head
        self._slots, self._free = {}, list(range(self._most))
        return self._recover()

    def clear(self) -> None:
        """Forget all of them."""
        self._memory[:] = bytes(len(self._memory))
        self._slots, self._free = {}, list(range(self._most))

    def keep(self, run: bytes, highest_id: int, memory: TrackMemory) -> None:
        """Write a track's state; a new run takes a free slot, of which there must be one."""
        slot, last = self._slots[run] if run in self._slots else (self._free.pop(), 1)
        self._number += 1
        state = memory.frames, memory.highest, memory.alarm_frame or 0, memory.missing, memory.level
        recent = memory.recent
        data = _FIXED.pack(self._number, run, highest_id, *state, len(recent))
        data += struct.pack(f"<{len(recent)}d", *recent)
        at = self._at(slot, 1 - last)
        self._memory[at : at + len(data) + _CRC.size] = data + _CRC.pack(zlib.crc32(data))
        self._slots[run] = slot, 1 - last

    def forget(self, run: bytes) -> None:
        """Give up a track's slot."""
        if run not in self._slots:
            return
        slot, _ = self._slots.pop(run)
        self._memory[self._at(slot, 0) : self._at(slot + 1, 0)] = bytes(2 * _PLACE)
        self._free.append(slot)

    def close(self) -> None:
        self._memory.close()

    def _recover(self) -> list[KeptTrack]:
        found = []
        for slot in list(self._free):
            read = [(*each, side) for side in (0, 1) if (each := self._read(self._at(slot, side))) is not None]
            if read:
                number, kept, side = max(read, key=lambda each: each[0])
                found.append((number, kept))
                self._slots[kept.run] = slot, side
                self._free.remove(slot)
                self._number = max(self._number, number)
        return [kept for _, kept in sorted(found, key=lambda each: each[0])]

    def _read(self, at: int) -> tuple[int, KeptTrack] | None:
        data = self._memory[at : at + _PLACE]
        number, run, highest_id, frames, highest, alarm, missing, level, count = _FIXED.unpack_from(data)
        end = _FIXED.size + 8 * count
        if not number or end + _CRC.size > len(data) or _CRC.unpack_from(data, end)[0] != zlib.crc32(data[:end]):
            return None
        recent = struct.unpack_from(f"<{count}d", data, _FIXED.size)
        return number, KeptTrack(run, highest_id, TrackMemory(frames, highest, alarm or None, missing, level, recent))

    def _at(self, slot: int, side: int) -> int:
        return _HEADER_BYTES + (2 * slot + side) * _PLACE


def file_bytes(slots: int) -> int:
    """Size of the file."""
    return _HEADER_BYTES + 2 * slots * _PLACE


def _mapped(path: Path, size: int) -> tuple[mmap.mmap, str | None]:
    """The file, made to be of this size; allocated, for a sparse one ends the process on a full disk. Where its storage
    is read-only or failing: memory alone, and what it said."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # missing where the journal beside it is in memory alone
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.ftruncate(descriptor, size)
            os.posix_fallocate(descriptor, 0, size)
            return mmap.mmap(descriptor, size), None
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in files.FAILING:
            raise
        return mmap.mmap(-1, size), error.strerror
