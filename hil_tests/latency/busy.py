"""Processes that keep the processor busy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# They end by themselves where the bench is killed.
_SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    for _ in range(100000): pass"


def default_count() -> int:
    """Two for each core."""
    return 2 * (os.cpu_count() or 1)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes compute while the block runs."""
    spinning = [subprocess.Popen([sys.executable, "-S", "-c", _SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
        for each in spinning:
            each.wait()
