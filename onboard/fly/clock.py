"""Whether the sender's clock and this host's still go together, from the stamps that frames bring."""

from typing import Any

from onboard.event import Events

_WINDOW_NS = 60_000_000_000  # long enough for one frame that waited for nothing; clocks drift about 1 ms in this time


class ClockWatch:
    """Keeps the least time from sending to arrival, by the two clocks and the offset between them, of each minute.

    That time is the link's least delay and what the offset is wrong by; so the clock's error is at most that, and where
    it moves, a clock has drifted, or the link has become another one.

    Args:
        offset_ms: this host's monotonic clock less the sender's.
        limit_ms: a move from the first minute's that is told; None: none is.
        events: told `clock_drift`, once a minute while it lasts.
    """

    def __init__(self, offset_ms: float, limit_ms: float | None, events: Events) -> None:
        self._offset_ns, self._limit_ms, self._events = round(offset_ms * 1e6), limit_ms, events
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._least_ns = self._ends_ns = 0
        self._open = False

    def look(self, arrived_ns: int, sent_ns: int | None) -> None:
        """To be called for each frame; one without a stamp says nothing."""
        if sent_ns is None:
            return
        took_ns = arrived_ns - sent_ns - self._offset_ns
        if self._open and arrived_ns < self._ends_ns:
            self._least_ns = min(self._least_ns, took_ns)
            return
        if self._open:
            self._close()
        self._open, self._least_ns, self._ends_ns = True, took_ns, arrived_ns + _WINDOW_NS

    def as_dict(self) -> dict[str, Any]:
        """For the summary: the least time of the last whole minute, or of the one so far where that is the first, and
        the first minute's."""
        last_ns = self._last_ns if self._last_ns is not None or not self._open else self._least_ns
        return {"least_delay_ms": _ms(last_ns), "at_first_ms": _ms(self._first_ns), "limit_ms": self._limit_ms}

    def _close(self) -> None:
        self._last_ns = self._least_ns
        if self._first_ns is None:
            self._first_ns = self._least_ns
        moved_ms = (self._least_ns - self._first_ns) / 1e6
        if self._limit_ms is not None and abs(moved_ms) > self._limit_ms:
            found = f"{_ms(self._least_ns):.3f} ms from sending to arrival at least, {_ms(self._first_ns):.3f} at first"
            self._events.add("clock_drift", f"{found}: a clock has drifted; measure clock_offset_ms again, start again")


def _ms(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6
