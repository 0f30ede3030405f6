"""Lines on stderr that hold up nobody: it may be a pipe that is full and that nobody reads."""

import os
import sys
import threading
from contextlib import suppress

_MOST_S = 0.2  # long enough for every stderr that takes lines at all


class Stderr:
    """Writes lines to the process's stderr, each in a thread that ends with the process.

    Past `sys.stderr`, whose lock a line that waits would keep: the process's end takes it as well.
    """

    def __init__(self) -> None:
        self._writer: threading.Thread | None = None

    def say(self, line: str) -> None:
        """Write a line; waits for at most 0.2 s. While an earlier one still waits, this one is left out."""
        if sys.__stderr__ is None:  # a process that began without one has some other file in its place
            return
        if self._writer is not None and self._writer.is_alive():
            return
        self._writer = threading.Thread(target=_write, args=(f"{line}\n".encode(),), name="stderr", daemon=True)
        with suppress(RuntimeError):  # no more threads are to be had; a line is no reason to end the one that says it
            self._writer.start()
            self._writer.join(_MOST_S)


def _write(data: bytes) -> None:
    with suppress(OSError):  # gone, or on a full disk
        os.write(2, data)
