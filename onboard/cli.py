"""How every command line of the project ends: one line for what a user can mend, and an exit code."""

import sys
from collections.abc import Callable

from onboard.errors import InputError


def exit_code(command: Callable[[], int], when_stopped: str) -> int:
    """Run a command; gives its own exit code, 2 for input or output that cannot be used, 130 for Ctrl-C.

    Args:
        command: does the work.
        when_stopped: what to say after Ctrl-C.
    """
    try:
        return command()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"error: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(when_stopped, file=sys.stderr)
        return 130
    return 2
