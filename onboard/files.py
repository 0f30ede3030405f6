"""Files and folders that are whole or absent: written beside their place, then renamed; and hashes of files."""

import ctypes
import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
FAILING = frozenset((errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EUCLEAN))
"""What storage answers that takes no byte any more: it became read-only, its device dies or has gone, its file system
is damaged. Other reasons, such as another user's folder, are the configuration's."""

_PART = re.compile(r"\.(.+)\.(\d+)\.part(\.[^.]*)?")
_HERE, _NOREPLACE, _EXCHANGE = -100, 1, 2  # AT_FDCWD, and flags of renameat2(2)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; rename it to `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        if error.filename is None:  # a full disk does not say which file it was
            error.filename = str(path)
        raise
    finally:
        beside.unlink(missing_ok=True)


def remove_left_parts(folder: Path, name: str | None = None) -> None:
    """Remove what `whole` had begun in processes that were killed. To be called by whoever holds the place; what cannot
    be removed stays.

    Args:
        folder: where to look, not below it.
        name: of the file that was to be written; None: any.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            found = _PART.fullmatch(path.name)
            if found and name in (None, found[1]) and not _lives(int(found[2])):
                with suppress(OSError):
                    path.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def open_regular(path: Path, buffering: int = -1) -> BinaryIO:
    """Open a file for reading that has to be one: opening a named pipe would wait for a writer that may never come.

    Args:
        path: of the file.
        buffering: as `open` takes it.

    Raises:
        OSError: it cannot be opened, or is a pipe, a device, a socket or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, f"{kind(mode)}, not a regular file", str(path))
        return os.fdopen(descriptor, "rb", buffering)
    except BaseException:
        os.close(descriptor)
        raise


def kind(mode: int) -> str:
    """What a file that is no regular one is, by its mode: `a folder`."""
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFDIR: "a folder", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something else")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a binary file, whole or not at all."""
    with whole(path) as beside:
        beside.write_bytes(data)


@contextmanager
def alone_beside(folder: Path) -> Iterator[None]:
    """Wait until no other process holds the folder's place, and hold it while the block runs; no file is written."""
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_folder(beside: Path, folder: Path) -> None:
    """Give a finished folder the place of another, which is removed.

    On Linux both change their names in one step, so that whatever ends the process, a whole folder is in the place.
    Where a file system cannot do that, the old one is moved aside first.
    """
    if not folder.exists():
        beside.rename(folder)
    elif _exchanged(beside, folder):
        shutil.rmtree(beside, ignore_errors=True)
    else:
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        try:
            beside.rename(folder)
        finally:
            if not folder.exists():
                old.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    return _renamed(one, other, _EXCHANGE)


def _renamed(one: Path, other: Path, flag: int) -> bool:
    """Rename as a flag of renameat2(2) says; False where that cannot be done, and `ctypes.get_errno` says why."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return rename is not None and rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), flag) == 0


def rename_new(beside: Path, path: Path) -> None:
    """Give a finished file a name that is free; of several processes that do so at once, one succeeds.

    Raises:
        FileExistsError: the name is taken.
        OSError: it cannot be given.
    """
    try:
        os.link(beside, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):  # FAT has no second names
            raise
        if not _renamed(beside, path, _NOREPLACE):
            number = ctypes.get_errno() or errno.ENOSYS
            raise OSError(number, os.strerror(number), str(path)) from error
    beside.unlink(missing_ok=True)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one at this path; False where another one is there, or none.

    Raises:
        OSError: the place cannot be looked at.
    """
    try:
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return os.path.samestat(there, os.fstat(descriptor))


def sha256(path: Path) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
