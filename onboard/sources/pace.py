"""When the frames of a replay are due."""

import time


class Pace:
    """Frame n is due n / rate after the first call.

    Args:
        rate_hz: frames a second; None: each is due when it is asked for.
    """

    def __init__(self, rate_hz: float | None) -> None:
        self._period_ns = None if rate_hz is None else 1e9 / rate_hz
        self._start_ns: int | None = None

    def newest_due(self, first: int, last: int, timeout_s: float) -> int | None:
        """The newest due frame from `first` to `last`; None where none becomes due within `timeout_s`."""
        if self._period_ns is None:
            return first
        now = time.monotonic_ns()
        if self._start_ns is None:
            self._start_ns = now - round(first * self._period_ns)
        wait_ns = self._start_ns + first * self._period_ns - now
        if wait_ns > 0:
            time.sleep(min(wait_ns / 1e9, timeout_s))
            if wait_ns / 1e9 > timeout_s:
                return None
            now = time.monotonic_ns()
        return min(last, max(first, int((now - self._start_ns) / self._period_ns)))

    def due_ns(self, n: int) -> int:
        """When frame n was due, by the monotonic clock: the exposure that the replay stands for."""
        if self._period_ns is None or self._start_ns is None:
            return time.monotonic_ns()
        return self._start_ns + round(n * self._period_ns)
