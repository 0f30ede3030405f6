"""A file that lines are added to in flight: whole ones, at its own place, or told as lost."""

import errno
import os
import stat
import time
from functools import partial
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.storage import Storage
from onboard.hold import holder, locked

_AGAIN_S, _STILL_THERE_S = 1.0, 1.0


class LineFile:
    """A file that lines, or packets, are added to; one that has grown too large makes way for a new one.

    Where the storage is read-only, failing or too full for a new file, its lines are lost, with the same event, until
    the file can be opened: tried once a second. As often it is looked whether the file is still at its place: one that
    was removed or moved away is made anew there.

    Args:
        storage: does the writing.
        path: `<name>.jsonl`; a file that is there is continued, behind a line that a killed process left half. What a
            full disk took half of is cut back.
        most_bytes: from this size on the file becomes `<name>.1.jsonl`, which is replaced.
        events: told when the file cannot be written.
        end: of each line; nothing behind packets, which tell their own length.
        key: of the configuration that names the place.

    Attributes:
        dropped: lines that were not written: storage too slow, full, or gone.

    Raises:
        InputError: the file cannot be opened, or another process writes it.
    """

    def __init__(
        self,
        storage: Storage,
        path: Path,
        most_bytes: int,
        events: Events,
        end: bytes = b"\n",
        key: str = "output.folder",
    ) -> None:
        self._storage, self._path, self._most_bytes, self._events, self._end = storage, path, most_bytes, events, end
        self._not_taken = self._failed = 0
        self._torn = self._is_file = False
        self._file: int | None = None
        self._cannot = errno.EIO  # what opening it said last
        self._again_s = time.monotonic() + _AGAIN_S
        self._look_s = time.monotonic() + _STILL_THERE_S
        try:
            other = self._open()
        except OSError as error:
            if error.errno not in files.FAILING | files.FULL:
                raise InputError(f"{path}: cannot be written ({error.strerror}); set {key}") from error
            self._cannot = error.errno
            return
        if other is not None:
            raise InputError(f"{path}: {other} writes it already; stop it, or set {key}")

    @property
    def dropped(self) -> int:
        return self._not_taken + self._failed

    def add(self, line: bytes, tells_loss: bool = False) -> None:
        """Write a line as soon as the storage comes to it.

        Args:
            line: without its end.
            tells_loss: whether it is one of the events `LOSSES`, whose own loss no event tells.
        """
        if not self._storage.offer(partial(self._write, line, tells_loss), len(line)):
            self._not_taken += 1
            self._lost("the storage is too slow", tells_loss)

    def close(self) -> None:
        """To be called when the storage has been closed. A file that its thread may still write to stays open: another
        one might get the descriptor's number meanwhile."""
        if self._storage.ended and self._file is not None:
            os.close(self._file)

    def _write(self, line: bytes, tells_loss: bool) -> None:
        try:
            self._follow_path()
            if self._file is None:
                self._file = self._open_again()
            data = (self._end if self._torn else b"") + line + self._end
            written = os.write(self._file, data)
            if written != len(data):  # the disk became full in the middle of it
                self._cut_back(self._file, written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._torn = False
            self._size += written
        except OSError as error:
            self._failed += 1
            self._lost(error.strerror, tells_loss)
            return
        if self._size >= self._most_bytes:
            self._begin_anew(tells_loss)

    def _cut_back(self, file: int, written: int) -> None:
        """Take back what was written of half a line; where that cannot be done, the next one begins behind it."""
        try:
            os.ftruncate(file, os.lseek(file, 0, os.SEEK_CUR) - written)  # not by our own size: others may have cut it
        except OSError:
            self._torn = True
            self._size += written

    def _follow_path(self) -> None:
        """Look whether the open file is still at its place. Behind one that was removed the next line makes a new one;
        one that was moved away is written on until there is a new one."""
        if self._file is None or time.monotonic() < self._look_s:
            return
        self._look_s = time.monotonic() + _STILL_THERE_S
        try:
            if files.is_at(self._file, self._path):
                return
            removed = os.fstat(self._file).st_nlink == 0
        except OSError:  # a storage that does not say: writing tells what is wrong with it
            return
        before = self._file
        if removed:
            self._lost("it was removed, and with it what was written since a second before; a new one begins")
            self._file, self._again_s = None, 0.0
            os.close(before)
            return
        self._lost("it was moved away; a new one begins")
        try:
            if (other := self._open()) is not None:
                raise OSError(errno.EBUSY, f"{other} writes it")
            os.close(before)
        except OSError as error:
            self._lost(f"no new file: {error.strerror}")

    def _begin_anew(self, tells_loss: bool) -> None:
        if not self._is_file:  # a device or a pipe is never full, and not ours to move
            self._size = 0
            return
        full = self._file
        try:
            if self._path.exists():  # it does not where an attempt before this one came only so far
                self._path.replace(older(self._path))
            if (other := self._open()) is not None:
                raise OSError(errno.EBUSY, f"{other} writes it")
            if full is not None:
                os.close(full)
        except OSError as error:  # lines go on into the full file, and each of them tries again
            self._lost(f"no new file: {error.strerror}", tells_loss)

    def _lost(self, why: str | None, tells_loss: bool = False) -> None:
        if not tells_loss:
            self._events.add("output_lost", f"{self._path}: {why}; the journal keeps the records")

    def _open_again(self) -> int:
        """The file, where it can be opened by now; raises OSError where it cannot."""
        if time.monotonic() < self._again_s:
            raise OSError(self._cannot, os.strerror(self._cannot))
        self._again_s = time.monotonic() + _AGAIN_S
        try:
            other = self._open()
        except OSError as error:
            self._cannot = error.errno or errno.EIO
            raise
        if other is not None or self._file is None:
            raise OSError(errno.EBUSY, f"{other} writes it")
        return self._file

    def _open(self) -> str | None:
        """Open the file; gives who holds it, where another process does: then it is closed again."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        found = os.fstat(file)
        if stat.S_ISREG(found.st_mode) and not locked(file):
            other = holder(file)
            os.close(file)
            return other
        self._file, self._size, self._is_file = file, found.st_size, stat.S_ISREG(found.st_mode)
        ends = len(self._end)
        try:
            self._torn = self._size > 0 and os.pread(file, ends, max(0, self._size - ends)) != self._end
        except OSError:  # a dying disk: what it cannot give back may be half a line
            self._torn = True
        return None


def older(path: Path) -> Path:
    """The name that a full file of lines gets."""
    return path.with_suffix(f".1{path.suffix}")
