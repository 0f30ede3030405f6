"""One process at a time in a folder."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onboard.errors import InputError


@contextmanager
def held(folder: Path, what: str, wait: bool) -> Iterator[None]:
    """Hold the folder's lock while the block runs; it ends with the process, however that ends.

    Args:
        folder: is made where it is missing.
        what: names the folder's use in messages, such as `feature cache`.
        wait: for the process that holds it, instead of refusing.

    Raises:
        InputError: another process holds it, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(
            f"{folder}: the {what} cannot be written there ({error.strerror}); give another folder, or make this one "
            "writable"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not wait:
                raise InputError(f"{folder}: another process is writing this {what}; wait for it to end") from error
            print(f"{folder}: waiting for another process that is writing this {what}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
