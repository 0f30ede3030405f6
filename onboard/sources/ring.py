"""A ring of frames in shared memory as a source."""

import mmap
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from onboard.event import Event
from onboard.files import open_regular
from onboard.image import Frame
from onboard.messages import Status
from onboard.pixels import to_rgb
from onboard.sources.checking import Check, Checker, checksum
from onboard.sources.config import RingConfig
from onboard.sources.ring_layout import COUNT_AT, MESSAGE_AT, PAYLOAD_AT, Layout, numbers, read_layout
from onboard.sources.source import OVERWRITTEN, SUPERSEDED, Flaw, Settled, SourceFrame, Taken, called, framed
from onboard.sources.watch import Backoff, Gaps, Silence
from onboard.wire import HEADER_BYTES, Header, PixelFormat, WireError, read_header


class RingSource:
    """Copies the newest frame out of the ring that a camera process writes.

    The process need not be there yet; one that was killed and started again is found by its new file.

    Args:
        config: where the ring is.
        known: whether a frame of this run and id has its record already. Asked at the first look alone: a process that
            was started again finds what the one before it has taken, and that is no duplicate of the sender's.
    """

    ended = False

    def __init__(self, config: RingConfig, known: Callable[[bytes, int], bool] = lambda *_: False) -> None:
        self._known, self._first_look = known, True
        self._config, self._path = config, Path(config.path)
        self._silence, self._gaps = Silence(config.path, config.silence_s), Gaps(config.path)
        self._backoff = Backoff()
        self._attached: _Attached | None = None
        self._checker = Checker() if config.checksum else None
        self._rgb: Frame | None = None
        self._told: str | None = None

    def take(self, timeout_s: float) -> Taken:
        until = time.monotonic() + timeout_s
        events: list[Event] = []
        while True:
            items: list[SourceFrame | Settled] = []
            if self._attached is not None and (left := self._attached.cut_to()) is not None:
                said = f"it was cut to {left} bytes while it was read; it is let go, and looked for again"
                events.append(Event("no_ring", f"{self._path}: {said}"))
                self._attached = None
            if self._attached is not None:
                items = self._look(self._attached, events)
            if items:
                self._backoff.worked()
            elif self._backoff.due():
                events += self._attach()
            left_s = until - time.monotonic()
            if items or left_s <= 0:
                events += self._silence.look(bool(items))
                return Taken(tuple(items), tuple(events))
            time.sleep(min(self._config.poll_s, left_s))

    def close(self) -> None:
        if self._checker is not None:
            self._checker.close()
        self._attached = None

    def _attach(self) -> list[Event]:
        """Take the ring that lies at the path now, if it is another one than before."""
        try:
            found = _attach(self._path, self._attached)
            said = None
        except (OSError, ValueError) as error:
            found, said = None, str(error)
        if found is not None:
            self._attached = found
            self._backoff.worked()
        else:
            self._backoff.failed()
        told, self._told = self._told, said
        return [Event("no_ring", f"{self._path}: {said}")] if said and said != told else []

    def _look(self, ring: "_Attached", events: list[Event]) -> list[SourceFrame | Settled]:
        newest = ring.numbers.item(COUNT_AT // 8)
        if newest == ring.seen:
            return []
        first = max(ring.seen + 1, newest - ring.layout.slots + 1)
        ring.seen = newest
        first_look, self._first_look = self._first_look, False
        had: list[tuple[bytes, int]] = []
        items: list[SourceFrame | Settled] = []
        has_frame = False
        for count in range(newest, first - 1, -1):  # the newest whole one is worked on
            head = ring.bytes(count, MESSAGE_AT, HEADER_BYTES)
            if not ring.holds(count):
                continue  # it is being written again: its id is a gap
            try:
                header = read_header(head, self._config.limits)
            except WireError as error:
                if error.key is None:
                    events.append(Event("garbage", f"{self._path}: {error.reason}: {error}"))
                elif first_look and self._known(*error.key):
                    had.append(error.key)
                else:
                    items.append(_settled(error.key, Status.REJECTED, error.reason, str(error)))
                continue
            if first_look and self._known(*header.key):
                had.append(header.key)
                continue
            if has_frame:
                items.append(_settled(header.key, Status.SKIPPED, SUPERSEDED, None))
                continue
            item = self._worked_on(ring, count, header)
            has_frame = isinstance(item, SourceFrame)
            items.append(item)
        items.reverse()
        for key in reversed(had):
            self._gaps.look(*key)  # where the ids go on from; what was missing among these has been told
        for item in items:
            events += self._gaps.look(item.run, item.frame_id)
        return items

    def _worked_on(self, ring: "_Attached", count: int, header: Header) -> SourceFrame | Settled:
        if header.payload_bytes > ring.layout.payload_bytes:
            return _settled(header.key, Status.REJECTED, "wire_payload_length", "larger than the ring's slots")
        payload = ring.view(count, PAYLOAD_AT, header.payload_bytes)
        check = partial(checksum, payload, header)
        if header.pixel_format is PixelFormat.RGB8 and not self._config.copy:
            flaw = partial(_flaw, ring, count, self._checksum(check))
            return framed(header, time.monotonic_ns(), to_rgb(payload, header), flaw)
        pixels = to_rgb(payload, header, self._buffer(header.height, header.width))
        if not ring.holds(count):
            return _settled(header.key, Status.SKIPPED, OVERWRITTEN, "its slot was written again while it was copied")
        if header.pixel_format is PixelFormat.RGB8 and pixels.nbytes == len(payload):
            check = partial(checksum, pixels.data.cast("B"), header)  # of the copy itself
        else:
            check = partial(_flaw, ring, count, check)
        return framed(header, time.monotonic_ns(), pixels, self._checksum(check))

    def _checksum(self, check: Check) -> Check:
        """Begin a check, where checksums are asked for."""
        return _nothing if self._checker is None else self._checker.begin(check)

    def _buffer(self, height: int, width: int) -> Frame:
        if self._rgb is None or self._rgb.shape != (height, width, 3):
            self._rgb = np.empty((height, width, 3), np.uint8)
        return self._rgb


def _nothing() -> Flaw | None:
    return None


def _flaw(ring: "_Attached", count: int, check: Check) -> Flaw | None:
    """What a check of pixels that lie in the ring found; of a slot that is written again meanwhile it says nothing."""
    found = check()
    if not ring.holds(count):
        return Flaw(Status.SKIPPED, OVERWRITTEN, "its slot was written again while it was worked on")
    return found


def _settled(key: tuple[bytes, int], status: Status, reason: str, detail: str | None) -> Settled:
    return Settled(*key, called(*key), status, reason, detail)


class _Attached:
    """A mapped ring, and the number of its frame that was seen last."""

    def __init__(self, inode: int, memory: mmap.mmap, layout: Layout) -> None:
        self.inode, self.layout = inode, layout
        self._file, self._memory, self.numbers = memory, memoryview(memory), numbers(memory)
        self._slots = [layout.offset(count) for count in range(1, layout.slots + 1)]
        self.seen = 0

    def cut_to(self) -> int | None:
        """The file's size, where it was cut; None: it is whole. To read what was cut off would end the process by
        SIGBUS, so this is asked before each look, which takes half a microsecond."""
        size = self._file.size()
        return size if size < self.layout.total_bytes else None

    def view(self, count: int, offset: int, size: int) -> memoryview:
        at = self._at(count) + offset
        return self._memory[at : at + size]

    def bytes(self, count: int, offset: int, size: int) -> bytes:
        return bytes(self.view(count, offset, size))

    def holds(self, count: int) -> bool:
        """Whether the slot holds this frame, whole: true before and after a copy means that the copy is whole."""
        return self.numbers.item(self._at(count) // 8) == 2 * count

    def _at(self, count: int) -> int:
        return self._slots[(count - 1) % len(self._slots)]


def _attach(path: Path, before: _Attached | None) -> _Attached | None:
    """The ring at `path`; None where it is the one that is attached already.

    Raises:
        OSError, ValueError: there is no ring.
    """
    with open_regular(path) as file:
        inode = os.fstat(file.fileno()).st_ino
        if before is not None and inode == before.inode:
            return None
        layout = read_layout(file.read(64))
        if layout is None:
            raise ValueError("not a ring of this version")
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if len(memory) != layout.total_bytes:
        raise ValueError(f"{len(memory)} bytes, a ring of its kind has {layout.total_bytes}")
    return _Attached(inode, memory, layout)
