"""What live sources share: when one counts as lost, when to try again, and which ids never came."""

import time

from onboard.event import Event


class Silence:
    """Says once that a source is lost, and once that it is back.

    Args:
        name: of the source.
        limit_s: it is lost after so long without a frame.
    """

    def __init__(self, name: str, limit_s: float) -> None:
        self._name, self._limit_s = name, limit_s
        self._heard = time.monotonic()
        self._lost = False

    def look(self, heard: bool) -> list[Event]:
        """To be called at each `take`, with whether anything came."""
        now = time.monotonic()
        silent_s, was_lost = now - self._heard, self._lost
        if heard:
            self._heard, self._lost = now, False
            return [Event("source_back", f"{self._name}: after {silent_s:.1f} s")] if was_lost else []
        if was_lost or silent_s < self._limit_s:
            return []
        self._lost = True
        return [Event("source_lost", f"{self._name}: nothing for {silent_s:.1f} s")]


class Backoff:
    """Pauses between attempts: 0.1 s, twice as long after each failure, at most `most_s`."""

    def __init__(self, most_s: float = 2.0) -> None:
        self._most_s = most_s
        self._pause_s = self._next = 0.0

    def due(self) -> bool:
        """Whether the next attempt may be made."""
        return time.monotonic() >= self._next

    def failed(self) -> float:
        """Note a failure; gives the pause in seconds."""
        self._pause_s = min(self._most_s, max(0.1, 2 * self._pause_s))
        self._next = time.monotonic() + self._pause_s
        return self._pause_s

    def worked(self) -> None:
        self._pause_s = self._next = 0.0


class Gaps:
    """Names the ids that were left out. What comes late or twice is the journal's matter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._run, self._highest = b"", -1

    def look(self, run: bytes, frame_id: int) -> list[Event]:
        if run != self._run:
            self._run, self._highest = run, frame_id
            return []
        first, self._highest = self._highest + 1, max(self._highest, frame_id)
        if frame_id <= first:
            return []
        return [Event("gap", f"{self._name}: frames {first} to {frame_id - 1} of run {run.hex()} never came")]
