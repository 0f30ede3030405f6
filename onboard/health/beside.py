"""Work in a thread beside the loop, one piece at a time; the loop fetches what came of it when it has time."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """One piece of work at a time, each in a thread of its own."""

    def __init__(self) -> None:
        self._cores = os.sched_getaffinity(0)  # before the loop is pinned to some, which its threads would inherit
        self._work: _Work[T] | None = None
        self._abandoned: list[_Work[T]] = []

    @property
    def busy(self) -> bool:
        """Whether there is work whose outcome has not been taken."""
        return self._work is not None

    def start(self, work: Callable[[], T]) -> None:
        """Begin; to be called where it is not busy."""
        self._work = _Work(work, self._cores)

    def take(self) -> T | Exception | None:
        """What came of it, once; the error where one was raised. None where nothing has ended."""
        if self._work is None or not self._work.ended:
            return None
        found, self._work = self._work.found, None
        return found

    def abandon(self) -> None:
        """Wait for it no longer: other work may begin at once."""
        if self._work is not None:
            self._abandoned.append(self._work)
            self._work = None

    @property
    def leaves_work(self) -> bool:
        """Whether abandoned work has not been taken."""
        return bool(self._abandoned)

    def take_abandoned(self) -> list[T]:
        """What has come of abandoned work since the last call, if it was no error."""
        ended = [each for each in self._abandoned if each.ended]
        for each in ended:
            self._abandoned.remove(each)
        return [each.found for each in ended if each.found is not None and not isinstance(each.found, Exception)]

    def wait(self, timeout_s: float) -> None:
        """Until all work has ended, abandoned work too; a process that ends while a library loads may crash."""
        end_s = time.monotonic() + timeout_s
        for each in (*self._abandoned, *([] if self._work is None else [self._work])):
            each.wait(max(0.0, end_s - time.monotonic()))


class _Work(Generic[T]):
    """One piece of work, and what came of it."""

    def __init__(self, work: Callable[[], T], cores: set[int]) -> None:
        self.found: T | Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(work, cores), name="beside", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self, work: Callable[[], T], cores: set[int]) -> None:
        with suppress(OSError):  # cores that were taken away since
            os.sched_setaffinity(0, cores)
        try:
            self.found = work()
        except Exception as error:  # InputError, and whatever libraries raise
            self.found = _without_frames(error)


def _without_frames(error: Exception) -> Exception:
    """Its traceback would keep half an engine in memory, which the next attempt may need."""
    each: BaseException | None = error
    while each is not None:  # ends: a cause came before what it caused
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error
