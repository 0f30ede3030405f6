"""A node in a process of its own, started again when it dies, as systemd would."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onboard.errors import InputError

# Run in the process that becomes the node. PR_SET_PDEATHSIG outlives exec; a function of Popen's would need a fork.
_TIED = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass
class Life:
    """One process: when it was started and when it ended (ns of the monotonic clock), and how."""

    pid: int
    started_ns: int
    ended_ns: int = 0
    code: int | None = None


class NodeProcess:
    """Runs `python -m onboard fly` and starts it again where it dies.

    Args:
        config: the node's configuration file.
        log: gets what it prints.
        restart_s: from a death to the next start; None: there is none.
        before_restart: called before each restart.

    Attributes:
        log: as given.
        lives: all processes so far, in the order of their starts.
    """

    def __init__(
        self, config: Path, log: Path, restart_s: float | None, before_restart: Callable[[], None] = lambda: None
    ) -> None:
        # The node's process dies with the bench, however that ends: it would fly on for ever, and keep its places.
        tied = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid())]
        self._command = [*tied, sys.executable, "-m", "onboard", "fly", str(config)]
        self.log, self._restart_s, self._before_restart = log, restart_s, before_restart
        self.lives: list[Life] = []
        self._ending = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that runs now, if one does."""
        self._process.send_signal(number)

    def said(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def check(self) -> None:
        """Complain where it died before the campaign began.

        Raises:
            InputError: it did.
        """
        if self.lives[0].code is not None:
            raise InputError(f"the node ended with code {self.lives[0].code}: {self.said()}")

    def end(self, patience_s: float = 10.0) -> int | None:
        """Ask it to end, with SIGKILL where it does not; gives its exit code."""
        self._ending.set()
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.join()
        return self.lives[-1].code

    def _start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
            process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment)
        self.lives.append(Life(process.pid, time.monotonic_ns()))
        return process

    def _supervise(self) -> None:
        while True:
            self.lives[-1].code = self._process.wait()
            self.lives[-1].ended_ns = time.monotonic_ns()
            if self._restart_s is None or self._ending.wait(self._restart_s):
                return
            self._before_restart()
            self._process = self._start()
            if self._ending.is_set():  # asked to end between the two
                self._process.terminate()
