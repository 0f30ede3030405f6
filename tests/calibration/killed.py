"""A command in a process of its own that is killed, as a lost power supply would, after some steps."""

import os
import subprocess
import sys

_SCRIPT = """
import os, signal, sys
from calibration.__main__ import main
from calibration.journal import Journal

steps, once = int(sys.argv[1]), Journal.once

def counted(self, step, kind, find):
    global steps
    if step not in self._steps and steps == 0:
        self._file.write(b'["half a li')
        self._file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    steps -= step not in self._steps
    return once(self, step, kind, find)

Journal.once = counted
main(sys.argv[2:])
"""


def killed_after(steps: int, *arguments: object) -> None:
    """Run a command; SIGKILL ends it where it would write the step after these."""
    command = [sys.executable, "-c", _SCRIPT, str(steps), *(str(argument) for argument in arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == -9, done.stdout + done.stderr
