"""Events as lines of JSON: of each name one in a while, fatal ones always."""

import datetime
import threading
import time
from collections import Counter
from collections.abc import Iterable

import msgspec

from onboard.event import Event
from onboard.fly.storage import LineFile

FATAL = frozenset(
    {
        "failed",
        "part_hung",
        "engine_reloaded",
        "engine_handed_over",
        "unavailable",
        "account_differs",
        "journal_set_aside",
        "journal_overrun",
    }
)
"""What changes how the node works, or should never happen. All others are warnings, but those below."""
INFO = frozenset({"started", "ended", "source_back", "part_back", "run_retired", "closed_after_restart"})


class EventLog:
    """Writes events, and counts them; for several threads.

    Args:
        file: gets the lines.
        period_s: of one name, one is written in this time.

    Attributes:
        counts: of all events by name.
    """

    def __init__(self, file: LineFile, period_s: float) -> None:
        self._file, self._period_s = file, period_s
        self.counts: Counter[str] = Counter()
        self._due_s: dict[str, float] = {}
        self._left_out: Counter[str] = Counter()
        self._one_at_a_time = threading.Lock()

    def write(self, events: Iterable[Event]) -> None:
        """Take what happened."""
        with self._one_at_a_time:
            self._write(events)

    def _write(self, events: Iterable[Event]) -> None:
        for event in events:
            self.counts[event.name] += 1
            now_s = time.monotonic()
            if event.name not in FATAL and now_s < self._due_s.get(event.name, 0.0):
                self._left_out[event.name] += 1
                continue
            self._due_s[event.name] = now_s + self._period_s
            level = "fatal" if event.name in FATAL else "info" if event.name in INFO else "warning"
            line = {
                "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
                "monotonic_ns": time.monotonic_ns(),
                "level": level,
                "event": event.name,
                "detail": event.detail,
                "left_out": self._left_out.pop(event.name, 0),
            }
            self._file.add(msgspec.json.encode(line))
