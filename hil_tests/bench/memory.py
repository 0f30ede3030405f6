"""How much memory the node's processes take, looked at from outside."""

import statistics
import threading
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path


class MemoryWatch:
    """Notes the resident memory of the process that runs, twice a second.

    Args:
        pid: tells which process that is.
    """

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid
        self.seen: dict[int, list[tuple[float, float]]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def growth_mb(self, cuts: Iterable[float] = ()) -> float | None:
        """Of the process that lived longest: the last fifth's median less the second fifth's; None where too short.

        The first fifth is left out: a runtime's buffers grow until each window size has been seen.

        Args:
            cuts: seconds of the monotonic clock, behind which a process counts as another one: where its engine is
                replaced, which takes memory of its own.
        """
        values = max(self._stretches(list(cuts)), key=len, default=[])
        fifth = len(values) // 5
        if fifth < 2:
            return None
        return statistics.median(values[-fifth:]) - statistics.median(values[fifth : 2 * fifth])

    def _stretches(self, cuts: list[float]) -> list[list[float]]:
        found = []
        for seen in self.seen.values():
            parts = groupby(seen, lambda each: sum(each[0] >= cut for cut in cuts))
            found += [[megabytes for _, megabytes in part] for _, part in parts]
        return found

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            pid = self._pid()
            if (megabytes := _resident_mb(pid)) is not None:
                self.seen.setdefault(pid, []).append((time.monotonic(), megabytes))


def _resident_mb(pid: int) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), None)
