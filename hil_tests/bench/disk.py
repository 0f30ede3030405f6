"""A disk that can be filled: a small tmpfs where the bench may mount one, or a limit on the size of files."""

import ctypes
import errno
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_SIZE, _NAME = "8m", "debris-hil"
_FILE = "events.jsonl"  # a node opens it when its engine is loaded, and writes its node.yaml at once
_DETACH = 2  # MNT_DETACH: a process may still have a file open
_SPACE = "\\040"  # as /proc/self/mounts writes a space
_libc = ctypes.CDLL(None, use_errno=True)


class Disk(Protocol):
    """Attributes:
    how: what it is, for the report.
    for_all: whether it is full for every process, also one that is started while it is; else for that process alone.
    """

    how: str
    for_all: bool

    def fill(self, pid: int) -> None:
        """From now on the process can write nothing there; nothing is done where it has died."""

    def free(self, pid: int) -> None:
        """It can again; nothing is done where it has died."""

    def reached_by(self, pid: int) -> bool:
        """Whether the process has come as far as its files there; never where the disk is not full for it."""

    def close(self) -> None: ...


def small_disk(folder: Path) -> Disk:
    """The folder as a disk of its own where this process may mount (root), and a stand-in where not."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={_SIZE}".encode()
    if _libc.mount(_NAME.encode(), os.fsencode(folder), b"tmpfs", 0, options) == 0:
        return _Mounted(folder)
    return _FileLimit()


def unmount_what_was_left(folder: Path) -> None:
    """Put away the disk of a bench that was killed."""
    mount = f"{_NAME} {str(folder.resolve()).replace(' ', _SPACE)} "
    left = [line for line in Path("/proc/self/mounts").read_text().splitlines() if line.startswith(mount)]
    for _ in left:
        _libc.umount2(os.fsencode(folder), _DETACH)


class _Mounted:
    """ENOSPC, as from a real full disk."""

    for_all = True

    def __init__(self, folder: Path) -> None:
        self.how = f"a tmpfs of {_SIZE}, filled (ENOSPC)"
        self._folder, self._filler = folder, folder / ".filler"

    def fill(self, pid: int) -> None:
        with self._filler.open("wb", buffering=0) as file:
            for block in (1 << 16, 1):  # then the last bytes of the last page
                try:
                    while file.write(bytes(block)):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self, pid: int) -> None:
        self._filler.unlink(missing_ok=True)

    def reached_by(self, pid: int) -> bool:
        opened = Path(f"/proc/{pid}/fd")
        try:
            return any(os.path.realpath(file) == os.path.realpath(self._folder / _FILE) for file in opened.iterdir())
        except OSError:  # it has died
            return False

    def close(self) -> None:
        _libc.umount2(os.fsencode(self._folder), _DETACH)


class _FileLimit:
    """EFBIG on every write beyond the limit; needs no rights, and spares what is mapped already."""

    how = "a file size limit of 0 bytes on the node (EFBIG), for mounting a small disk needs root"
    for_all = False

    def fill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]))

    def free(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            most = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))

    def reached_by(self, pid: int) -> bool:
        return False

    def close(self) -> None:
        pass
