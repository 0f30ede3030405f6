"""Runs a command of the user's, within limits of time and of what it prints."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence

_CHUNK = 1 << 16


class CommandError(Exception):
    """The command failed, took too long, or printed too much; the message goes behind its name."""


def output_of(command: Sequence[str], timeout_s: float, most_bytes: int) -> bytes:
    """Standard output of a command.

    Args:
        command: and its arguments; nothing is given to its standard input.
        timeout_s: after which it is killed.
        most_bytes: that it may print.

    Raises:
        CommandError: see there.
        OSError: it cannot be started.
    """
    printed, late = bytearray(), threading.Event()
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as said, os.fdopen(reading, "rb", 0) as ours:
        with os.fdopen(writing, "wb") as its_end:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its_end, stderr=said)

        def kill() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(timeout_s, kill)
        timer.start()
        try:
            while len(printed) <= most_bytes and (data := ours.read(_CHUNK)):
                printed += data
        finally:
            timer.cancel()
            if len(printed) > most_bytes:
                process.kill()
            code = process.wait()
        said.seek(0)
        complaint = said.read(2000).decode(errors="replace").strip()
    if late.is_set():
        raise CommandError(f"did not end in {timeout_s:g} s")
    if len(printed) > most_bytes:
        raise CommandError(f"printed more than {most_bytes} bytes")
    if code:
        raise CommandError(f"failed with code {code}{': ' if complaint else ''}{complaint}")
    return bytes(printed)
