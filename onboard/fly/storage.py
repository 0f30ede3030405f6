"""Everything that goes to storage in flight, by one thread: a disk that hangs holds up nothing but itself."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from onboard import files
from onboard.event import Events

_CLOSE_S, _LOOK_S = 5.0, 0.02
_MOST_BYTES = 64 << 20


class Storage:
    """Does what it is given, in order, in a thread of its own.

    The thread looks for itself what there is to do: waking it would cost the loop its turn on a busy processor.

    Args:
        most: jobs that wait at most.
        most_bytes: of memory that they keep, at most: behind a disk that hangs a thousand large lines are a gigabyte.
        alive: called by the thread at each round and after each job.
    """

    def __init__(self, most: int, alive: Callable[[], None] = lambda: None, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._most_bytes, self._alive = most, most_bytes, alive
        self._waiting: deque[tuple[Callable[[], None], int]] = deque()
        self._taken = self._done = 0  # bytes: counted by whoever offers, one at a time, and by the thread here
        self._offering = threading.Lock()
        self._each_round: tuple[Callable[[], None], ...] = ()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="storage", daemon=True)
        self._thread.start()

    def offer(self, job: Callable[[], None], size: int = 0) -> bool:
        """Hand over a job that raises nothing; False where too many wait.

        Args:
            job: what to do.
            size: bytes that it keeps until then. One that is larger than all may be is taken where none waits.
        """
        with self._offering:
            kept = self._taken - self._done
            if len(self._waiting) >= self._most or (kept and kept + size > self._most_bytes):
                return False
            self._taken += size
            self._waiting.append((job, size))
        return True

    def each_round(self, job: Callable[[], None]) -> None:
        """Call a job that raises nothing in each round, every 20 ms, and once more at the end."""
        self._each_round = (*self._each_round, job)

    def close(self) -> None:
        """Do what waits, for at most five seconds; a thread that hangs in its disk ends with the process."""
        self._ending.set()
        self._thread.join(_CLOSE_S)

    @property
    def ended(self) -> bool:
        """Whether its thread writes no more. One that hung when it was closed may still come back and write."""
        return not self._thread.is_alive()

    def _work(self) -> None:
        ending = False
        while not ending:
            self._alive()
            ending = self._ending.wait(_LOOK_S)
            while self._waiting:
                job, size = self._waiting[0]
                job()
                self._waiting.popleft()
                self._done += size
                self._alive()
            for each in self._each_round:
                each()


def write_whole(storage: Storage, path: Path, make: Callable[[], bytes], events: Events) -> None:
    """Replace a file by what `make` gives, as soon as the storage comes to it; left out where it does not."""

    def write() -> None:
        try:
            files.write_bytes(path, make())
        except OSError as error:
            events.add("output_lost", f"{path}: {error.strerror}")

    if not storage.offer(write):
        events.add("output_lost", f"{path}: the storage is too slow")
