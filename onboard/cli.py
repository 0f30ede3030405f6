"""How every command line of the project ends: one line for what a user can mend, and an exit code."""

import errno
import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

from onboard.errors import InputError

_NOBODY_READS = 141  # as a shell gives it: 128 and the number of SIGPIPE


def exit_code(command: Callable[[], int], when_stopped: str) -> int:
    """Run a command; gives its own exit code, 2 for input or output that cannot be used, 130 for Ctrl-C, 141 where
    nobody reads what it prints any more.

    Args:
        command: does the work.
        when_stopped: what to say after Ctrl-C.
    """
    try:
        code = command()
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk shows here, not when the interpreter ends
        return code
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder that may not be written, a reader such as `head` that has enough
        lost = [_lost(stream) for stream in (sys.stdout, sys.stderr)]
        if isinstance(error, BrokenPipeError) and any(lost):
            return _NOBODY_READS
        remedy = "; free some space there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        print(f"error: {error.filename or 'output'}: {error.strerror or error}{remedy}", file=sys.stderr)
    except KeyboardInterrupt:
        print(when_stopped, file=sys.stderr)
        return 130
    return 2


def _lost(stream: TextIO | None) -> bool:
    """Whether a stream takes nothing any more. It leads nowhere then, for the interpreter's end flushes it again."""
    try:
        if stream is None or _takes(stream, stream.fileno()):
            return False
    except OSError:  # no file lies below it
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return True


def _takes(stream: TextIO, number: int) -> bool:
    """Whether somebody reads a pipe, and what waits for a file goes there."""
    watched = select.poll()
    watched.register(number, 0)
    if any(events & select.POLLERR for _, events in watched.poll(0)):
        return False
    try:
        stream.flush()
    except OSError:
        return False
    return True
