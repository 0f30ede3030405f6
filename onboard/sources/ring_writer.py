"""The camera process's side of a ring in shared memory."""

import mmap
import os
import zlib
from pathlib import Path

from msgspec.structs import replace

from onboard.errors import InputError
from onboard.sources.ring_layout import COUNT_AT, MESSAGE_AT, PAYLOAD_AT, Layout, numbers
from onboard.wire.frame import Header, encode


class RingWriter:
    """Makes a ring and writes frames into it; never waits for a reader.

        with RingWriter(Path("/dev/shm/camera"), slots=4, payload_bytes=1920 * 1200) as ring:
            ring.write(header, pixels)

    A ring that is there already, such as a killed process's, is replaced: its readers notice and take the new one.

    Args:
        path: on a tmpfs.
        slots: frames that it holds, 3 at least: the newest, one that is being read, one that is being written.
        payload_bytes: of the largest frame.
        checksum: write the pixels' CRC32, which readers may check.

    Raises:
        InputError: the ring cannot be made there.
    """

    def __init__(self, path: Path, slots: int, payload_bytes: int, checksum: bool = True) -> None:
        if slots < 3 or payload_bytes < 1:
            raise ValueError(f"slots {slots}, payload_bytes {payload_bytes}: 3 and 1 are the least")
        self._layout, self._checksum = Layout(slots, payload_bytes), checksum
        beside = path.with_name(f".{path.name}.part")
        try:
            with beside.open("wb+") as file:
                os.posix_fallocate(file.fileno(), 0, self._layout.total_bytes)
                self._memory = mmap.mmap(file.fileno(), self._layout.total_bytes)
            self._memory[: len(self._layout.head())] = self._layout.head()
            beside.replace(path)  # a reader sees a whole ring or none
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise InputError(
                f"{path}: {self._layout.total_bytes} bytes of shared memory cannot be had here ({error.strerror})"
            ) from error
        self._numbers, self._count = numbers(self._memory), 0

    def write(self, header: Header, payload: bytes | memoryview) -> None:
        """Write a frame in the oldest slot's place.

        Args:
            header: its size and checksum are set here.
            payload: stride x height bytes, C-contiguous.
        """
        size = memoryview(payload).nbytes
        if size > self._layout.payload_bytes:
            raise ValueError(f"{size} bytes; the ring's slots hold {self._layout.payload_bytes}")
        checksum = zlib.crc32(payload) if self._checksum else 0
        count = self._count + 1
        at = self._layout.offset(count)
        self._numbers[at // 8] = 2 * count - 1  # odd: being written
        self._memory[at + MESSAGE_AT : at + PAYLOAD_AT] = encode(
            replace(header, payload_bytes=size, payload_crc32=checksum)
        )
        self._memory[at + PAYLOAD_AT : at + PAYLOAD_AT + size] = payload
        self._numbers[at // 8] = 2 * count
        self._numbers[COUNT_AT // 8] = self._count = count

    def __enter__(self) -> "RingWriter":
        return self

    def __exit__(self, *_: object) -> None:
        del self._numbers  # it holds the mapping
        self._memory.close()
