"""How every benchmark ends: as the commands do, with one line for what a user can mend."""

import sys
from collections.abc import Callable
from typing import NoReturn

from onboard import cli


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a benchmark and end the process; what `main` gives is the exit code, None is 0."""
    sys.exit(cli.exit_code(lambda: main() or 0, "stopped"))
