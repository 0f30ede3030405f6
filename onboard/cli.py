"""How every command line of the project ends: one line for what a user can mend, and an exit code."""

import os
import sys
from collections.abc import Callable

from onboard.errors import InputError


def exit_code(command: Callable[[], int], when_stopped: str) -> int:
    """Run a command; gives its own exit code, 2 for input or output that cannot be used, 130 for Ctrl-C, 141 where
    nobody reads what it prints any more, as a shell gives it.

    Args:
        command: does the work.
        when_stopped: what to say after Ctrl-C.
    """
    try:
        code = command()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:  # such as of `head`, which has enough; the interpreter's end shall not find it out again
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"error: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(when_stopped, file=sys.stderr)
        return 130
    return 2
