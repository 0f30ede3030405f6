"""What is costly to make and only read by tests is made once for all processes of one test run."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` of this test run, filled by the first process that asks for it while the others wait.

    It lies in the run's own temporary folder, so that nothing is kept from one run to the next. Not to be changed by
    a test, for other processes read it too: copy it.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each process has a folder of its own in the run's
    folder, whole = base / "once" / name, base / "once" / f"{name}.whole"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a process that failed has left
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder
