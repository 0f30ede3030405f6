"""Records that leave the ring, in whole files of a bounded number, written by a thread of their own."""

import queue
import struct
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from onboard.event import Events
from onboard.journal import record
from onboard.journal.record import Entry

_MAGIC, _VERSION = b"DRJA", 1
_HEADER = struct.Struct("<4sHHIIQ")
_LOOK_S = 1.0
RECORDS = "journal-*.drj"
_MOST_DROPPED = 4  # for one new file: where more do not help, somebody else fills the disk


class Archive:
    """Writes segments into a folder without ever keeping the loop waiting.

    Args:
        folder: gets `journal-<first sequence number>.drj`.
        most_files: the oldest beyond these are removed.
        events: told of files that were dropped and of segments that were lost.
        alive: called by the thread at each round, once a second at least.

    Attributes:
        last: the highest sequence number that was archived before this start; 0: none.
    """

    def __init__(self, folder: Path, most_files: int, events: Events, alive: Callable[[], None] = lambda: None) -> None:
        self._folder, self._most_files, self._events, self._alive = folder, most_files, events, alive
        self._waiting: queue.Queue[tuple[int, bytes] | None] = queue.Queue(maxsize=16)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in files.FAILING | files.FULL:  # there each file is lost, with its event, until it can
                raise InputError(f"{folder}: no place for the journal's archive ({error.strerror})") from error
        with suppress(OSError):
            for part in folder.glob(".journal-*.part.drj"):  # of a process that was killed
                part.unlink(missing_ok=True)
        self.last = 0
        with suppress(OSError):  # a folder that cannot be read: each file is lost then, with its event
            self.last = max((_last_sequence(path) for path in self.files()), default=0)
        self._thread = threading.Thread(target=self._work, name="journal-archive", daemon=True)
        self._thread.start()

    def files(self) -> list[Path]:
        """What is there, oldest first."""
        return sorted(self._folder.glob(RECORDS))

    def offer(self, first: int, records: bytes) -> None:
        """Hand over a copy of records; dropped, with an event, where the storage is too slow for them."""
        try:
            self._waiting.put_nowait((first, records))
        except queue.Full:
            self._events.add("archive_lost", f"records from {first} on: the storage is too slow; totals are kept")

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what waits, for at most this long."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while (item := self._next()) is not None:
            first, records = item
            head = _HEADER.pack(_MAGIC, _VERSION, record.SIZE, len(records) // record.SIZE, zlib.crc32(records), first)
            try:
                self._store(self._folder / f"journal-{first:020d}.drj", head + records)
                for path in self.files()[: -self._most_files]:
                    path.unlink(missing_ok=True)
            except OSError as error:
                self._events.add("archive_lost", f"records from {first} on: {error.strerror}; totals are kept")

    def _next(self) -> tuple[int, bytes] | None:
        while True:  # ends with what `offer` or `close` puts in
            self._alive()
            try:
                return self._waiting.get(timeout=_LOOK_S)
            except queue.Empty:
                continue

    def _store(self, path: Path, data: bytes) -> None:
        """Write the file; where the disk is full, in place of the oldest."""
        for _ in range(_MOST_DROPPED):
            try:
                return files.write_bytes(path, data)
            except OSError as error:
                oldest = next((old for old in self.files() if old != path), None)
                if error.errno not in files.FULL or oldest is None:
                    raise
                oldest.unlink(missing_ok=True)
                self._events.add("archive_dropped", f"{oldest.name}: dropped, the disk is full; totals are kept")
        return files.write_bytes(path, data)


def read_archive(path: Path) -> list[Entry]:
    """The records of an archive file, in the order of their arrival.

    Raises:
        InputError: it cannot be read, or is not whole.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) < _HEADER.size:
        raise InputError(f"{path}: {len(data)} bytes are no archive of the journal")
    magic, version, size, count, crc, _ = _HEADER.unpack_from(data)
    records = data[_HEADER.size :]
    if (magic, version, size) != (_MAGIC, _VERSION, record.SIZE):
        raise InputError(f"{path}: not an archive of the journal of version {_VERSION}")
    if len(records) != count * size or zlib.crc32(records) != crc:
        raise InputError(f"{path}: not whole: its checksum does not match")
    return record.read_all(records, 0, count)


def _last_sequence(path: Path) -> int:
    try:
        with files.open_regular(path) as file:
            *_, count, _, first = _HEADER.unpack(file.read(_HEADER.size))
    except (OSError, struct.error):
        return 0
    return int(first) + int(count) - 1
