"""Places that one process at a time may write to. The kernel lets go of them when the process ends, however it ends."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from onboard import files
from onboard.errors import InputError

LOCK = ".lock"


@contextmanager
def held(folder: Path, key: str, not_kept: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold a folder while the block runs; removes what killed processes have left half written in it.

    Where the block fails before anything lies in a folder that was made here, the folder goes again.

    Args:
        folder: is made where it is missing; gets an empty file, which stays.
        key: of the configuration that names it.
        not_kept: called with the reason where the folder's storage is read-only, failing or full, which is refused
            without it. What is there is then held as it is: a file need not be writable to be locked.

    Raises:
        InputError: another process holds it, or it cannot be written.
    """
    missing = [each for each in (folder, *folder.parents) if not os.path.exists(each)]  # noqa: PTH110 - it raises nothing
    try:
        file: int | None = _lock_file(folder)
    except OSError as error:
        if error.errno not in files.FAILING | files.FULL or not_kept is None:
            why = "it is no folder" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
            lock = folder / LOCK
            place = lock if os.path.lexists(lock) else folder
            give = "give it to this user (chown), or " if isinstance(error, PermissionError) else ""
            raise InputError(f"{place}: cannot be written ({why}); {give}set {key}") from error
        file = _as_it_is(folder)
        not_kept(str(error.strerror))
    try:
        if file is not None and not locked(file):
            raise InputError(f"{folder}: {holder(file)} writes there already; stop it, or name another folder ({key})")
        files.remove_left_parts(folder)
        try:
            yield
        except BaseException:
            _unmake(folder, missing)
            raise
    finally:
        if file is not None:
            os.close(file)


def _lock_file(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _as_it_is(folder: Path) -> int | None:
    """What of a folder that cannot be written can be locked; None: it is not there, or cannot be opened at all."""
    for path in (folder / LOCK, folder):
        with suppress(OSError):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return None


def _unmake(folder: Path, missing: list[Path]) -> None:
    """Remove a folder, and those above it, that were missing, where nothing but the lock's file has come into it."""
    with suppress(OSError):
        if folder in missing and [path.name for path in folder.iterdir()] == [LOCK]:
            (folder / LOCK).unlink()
            for each in missing:
                each.rmdir()


def locked(file: int) -> bool:
    """Lock an open file until it is closed; False where another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(file: int) -> str:
    """Who has the lock of an open file: `process 123`, or `another process` where the kernel does not tell."""
    found = os.fstat(file)
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    try:
        locks = Path("/proc/locks").read_text().splitlines()
    except OSError:
        locks = []
    for line in locks:
        _, kind, *words = line.split()
        if kind == "FLOCK" and place in words:
            pid = words[words.index(place) - 1]
            return f"process {pid}" if int(pid) > 0 else "another process"
    return "another process"
