"""Events as lines of JSON: of each name one in a while, fatal ones and carried-out commands always."""

import datetime
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from onboard.event import LOSSES, Event
from onboard.fly.line_file import LineFile

FATAL = frozenset(
    {
        "failed",
        "part_hung",
        "engine_reloaded",
        "engine_handed_over",
        "known_answer_wrong",
        "scrub_failed",
        "bundle_changed",
        "bundle_refused",
        "bundle_rolled_back",
        "unavailable",
        "debris_given_up",
        "account_differs",
        "journal_set_aside",
        "journal_overrun",
        "journal_not_kept",
        "storage_read_only",
    }
)
"""What changes how the node works, or should never happen. All others are warnings, but those below."""
INFO = frozenset(
    {
        "started",
        "ended",
        "engine_renewed",
        "part_back",
        "source_back",
        "run_retired",
        "closed_after_restart",
        "command",
        "command_status",
    }
)
WHOLE = FATAL | {"command"}
"""Of these every one is written, but where more came at once than `Events` keeps of one name."""


class EventLog:
    """Writes events, and counts them; for several threads.

    Args:
        file: gets the lines.
        period_s: of one name, one is written in this time.
        also: takes each event that is written, its level, and how many were left out before it.

    Attributes:
        counts: of all events by name.
    """

    def __init__(self, file: LineFile, period_s: float, also: Callable[[Event, str, int], None] | None = None) -> None:
        self._file, self._period_s, self._also = file, period_s, also
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
            self.counts[event.name] += event.times
            now_s = time.monotonic()
            if event.name not in WHOLE and now_s < self._due_s.get(event.name, 0.0):
                self._left_out[event.name] += event.times
                continue
            self._due_s[event.name] = now_s + self._period_s
            left_out = self._left_out.pop(event.name, 0) + event.times - 1
            level = "fatal" if event.name in FATAL else "info" if event.name in INFO else "warning"
            line = {
                "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
                "monotonic_ns": time.monotonic_ns(),
                "level": level,
                "event": event.name,
                "detail": event.detail,
                "left_out": left_out,
            }
            self._file.add(msgspec.json.encode(line), event.name in LOSSES)
            if self._also is not None:
                self._also(event, level, left_out)
