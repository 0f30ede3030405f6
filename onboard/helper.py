"""A thread that does one thing after another beside the loop."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")
_CLOSE_S = 2.0  # much longer than any job that does not hang


class Helper(Generic[_T]):
    """Does one job at a time in a thread of its own, which ends with the process at the latest.

    Args:
        name: the thread's.
    """

    def __init__(self, name: str) -> None:
        self._waiting: queue.SimpleQueue[_UnderWay[_T] | None] = queue.SimpleQueue()
        self._last: _UnderWay[_T] | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def begin(self, job: Callable[[], _T]) -> Callable[[], _T]:
        """Start a job, when the one before it has ended; gives what waits for its end and tells what came of it."""
        if self._last is not None:
            self._last.wait()
        self._last = _UnderWay(job)
        self._waiting.put(self._last)
        return self._last.found

    def close(self) -> None:
        """Wait for the job that is under way, for two seconds; one that hangs, as in a dying disk, is left behind."""
        self._waiting.put(None)
        self._thread.join(_CLOSE_S)

    def _work(self) -> None:
        while (each := self._waiting.get()) is not None:
            each.run()
            del each  # or it would keep the frame's memory until the next one comes


class _UnderWay(Generic[_T]):
    def __init__(self, job: Callable[[], _T]) -> None:
        self._job: Callable[[], _T] | None = job
        self._found: list[_T] = []
        self._error: Exception | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def run(self) -> None:
        assert self._job is not None
        try:
            self._found.append(self._job())
        except Exception as error:  # the loop's to raise: a thread that ends here would keep it waiting for ever
            self._error = error
        self._job = None
        self._done.release()

    def wait(self) -> None:
        with self._done:
            pass

    def found(self) -> _T:
        with self._done:
            if self._error is not None:
                raise self._error
            return self._found[0]
