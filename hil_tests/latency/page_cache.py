"""Files dropped from the kernel's page cache, so that a start reads them from storage; and whether they are gone."""

import ctypes
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

from hil_tests.latency.config import PageCache

_ALL = Path("/proc/sys/vm/drop_caches")


def drop(folders: Iterable[Path], how: PageCache) -> str:
    """Drop the files of these folders, or everything; gives what was done, in words.

    Never raises: what the kernel does not permit is told.
    """
    if how == "keep":
        return "kept, as configured"
    files = sorted({path for folder in folders for path in folder.rglob("*") if path.is_file()})
    refused = _drop_all() if how == "all" else ""
    for path in files:
        _drop_file(path)
    left, pages = (sum(numbers) for numbers in zip(*map(resident, files), strict=True)) if files else (0, 0)
    what = "everything" if how == "all" and not refused else "bundle and engine"
    told = f"{what} dropped; of {pages} pages of bundle and engine {left} were still there"
    return f"{refused}; {told}" if refused else told


def resident(path: Path) -> tuple[int, int]:
    """How many of the file's pages are in memory, and how many it has; without Linux's mincore all count as there."""
    size = path.stat().st_size
    pages = -(-size // mmap.PAGESIZE)
    if not size:
        return 0, 0
    state = (ctypes.c_ubyte * pages)()
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE) as mapped:
        address = ctypes.c_char.from_buffer(mapped)
        found = getattr(ctypes.CDLL(None, use_errno=True), "mincore", None)
        failed = found is None or found(ctypes.byref(address), ctypes.c_size_t(size), state)
        del address
    return (pages, pages) if failed else (sum(each & 1 for each in state), pages)


def _drop_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())  # pages that are not written yet are not dropped
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _drop_all() -> str:
    """Why the whole cache could not be dropped; empty where it was."""
    os.sync()
    try:
        _ALL.write_text("3\n")
    except OSError as error:
        return f"not permitted to drop everything ({error.strerror})"
    return ""
