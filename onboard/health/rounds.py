"""Work that comes round again and again, in a thread beside the loop."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_LOOK_S, _CLOSE_S = 1.0, 2.0
_NICE = 10  # a tenth of the loop's share where all is busy; with 19, presumably, not for seconds


class Rounds:
    """Calls each of several jobs when it is due, in one thread of low priority.

    Args:
        jobs: each does a little, raises nothing, and gives the seconds until it is due again.
        alive: called by the thread at least every second, and after each job.
    """

    def __init__(self, jobs: list[Callable[[], float]], alive: Callable[[], None] = lambda: None) -> None:
        self._due_s = dict.fromkeys(jobs, time.monotonic())
        self._alive = alive
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="health", daemon=True)
        self._thread.start()

    def close(self, wait_s: float = _CLOSE_S) -> None:
        """End, and wait for that; a thread that hangs in its disk ends with the process."""
        self._ending.set()
        self._thread.join(wait_s)

    def _work(self) -> None:
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, max(_NICE, os.getpriority(os.PRIO_PROCESS, thread)))
        while not self._ending.is_set():
            for job, due_s in self._due_s.items():
                if time.monotonic() >= due_s:
                    self._due_s[job] = max(due_s + job(), time.monotonic())
            self._alive()
            next_s = min(self._due_s.values(), default=time.monotonic() + _LOOK_S)
            self._ending.wait(min(max(next_s - time.monotonic(), 0.0), _LOOK_S))
