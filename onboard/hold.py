"""Places that one process at a time may write to. The kernel lets go of them when the process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onboard import files
from onboard.errors import InputError

LOCK = ".lock"


@contextmanager
def held(folder: Path, key: str) -> Iterator[None]:
    """Hold a folder while the block runs; removes what killed processes have left half written in it.

    Args:
        folder: is made where it is missing; gets an empty file, which stays.
        key: of the configuration that names it.

    Raises:
        InputError: another process holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); set {key}") from error
    try:
        if not locked(file):
            raise InputError(f"{folder}: {holder(file)} writes there already; stop it, or name another folder ({key})")
        files.remove_left_parts(folder)
        yield
    finally:
        os.close(file)


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
