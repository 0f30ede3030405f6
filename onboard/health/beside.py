"""Work in a thread beside the loop, one piece at a time; the loop fetches what came of it when it has time."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """One piece of work at a time, each in a thread of its own."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._found: T | Exception | None = None
        self._cores = os.sched_getaffinity(0)  # before the loop is pinned to some, which its threads would inherit

    @property
    def busy(self) -> bool:
        """Whether there is work whose outcome has not been taken."""
        return self._thread is not None

    def start(self, work: Callable[[], T]) -> None:
        """Begin; to be called where it is not busy."""
        self._thread = threading.Thread(target=self._run, args=(work,), name="beside", daemon=True)
        self._thread.start()

    def take(self) -> T | Exception | None:
        """What came of it, once; the error where one was raised. None where nothing has ended."""
        if self._thread is None or self._thread.is_alive():
            return None
        found, self._thread, self._found = self._found, None, None
        return found

    def wait(self, timeout_s: float) -> None:
        """Until the work has ended; a process that ends while a library loads may crash."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self, work: Callable[[], T]) -> None:
        with suppress(OSError):  # cores that were taken away since
            os.sched_setaffinity(0, self._cores)
        try:
            self._found = work()
        except Exception as error:  # InputError, and whatever libraries raise
            self._found = error
