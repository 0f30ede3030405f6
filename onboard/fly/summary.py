"""The page that says how the flight goes, written again and again."""

import datetime
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from onboard.fly.account import ended
from onboard.fly.loop import Parts
from onboard.fly.storage import write_whole

SUMMARY = "summary.json"


def as_file(page: dict[str, Any]) -> bytes:
    """What its file holds."""
    return msgspec.json.format(msgspec.json.encode(page)) + b"\n"


class Summary:
    """Writes `summary.json`.

    Args:
        parts: of the loop that it tells of.

    Attributes:
        complete: whether the flight came to its end as asked.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts, self._started = parts, _now()
        self.complete = False
        self._due_s = time.monotonic() + parts.config.output.summary_s
        self._before = self._in_journal()

    def when_due(self) -> None:
        """Write it, and send housekeeping, if the time has come."""
        if self._parts.telemetry is not None:
            self._parts.telemetry.when_due(self._page)
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + self._parts.config.output.summary_s
            self.write()

    def write(self) -> dict[str, Any]:
        """Write it now; gives what it says."""
        parts = self._parts
        page = self._page()
        if not page["journal"]["agrees"]:
            parts.events.add("account_differs", f"frames {page['frames']}, journal since the start {self._since()}")
        parts.log.write([*parts.journal.take_events(), *parts.events.take()])
        page["events"] = dict(parts.log.counts)
        data = as_file(page)
        write_whole(parts.storage, Path(parts.config.output.folder) / SUMMARY, lambda: data, parts.events)
        return page

    def last(self) -> dict[str, Any]:
        """Write it at the end, and send housekeeping; gives what it says."""
        page = self.write()
        if self._parts.telemetry is not None:
            self._parts.telemetry.housekeeping(lambda: page)
        return page

    def _page(self) -> dict[str, Any]:
        parts = self._parts
        return {
            "bundle": parts.guard.bundle.sha256,
            "engine": parts.guard.state,
            "paused": parts.paused,
            "false_alarm_rate": None if (rule := parts.guard.rule) is None else rule.rate,
            "pid": os.getpid(),
            "started": self._started,
            "written": _now(),
            "complete": self.complete,
            **parts.account.as_dict(),
            "clock": parts.clock.as_dict(),
            "invalid_outputs": parts.guard.invalid,
            "health": {"known_answers": parts.guard.known_answers, **parts.background.as_dict()},
            "verdicts_dropped": parts.outlet.dropped(),
            "telemetry": None if parts.telemetry is None else parts.telemetry.state(),
            "drift": parts.tracks.drift_state(),
            "journal": {
                "agrees": self._since() == parts.account.totals(),
                "runs": {run.hex(): totals._asdict() for run, totals in parts.journal.totals().items()},
                "earlier_runs": parts.journal.retired()._asdict(),
            },
            "events": dict(parts.log.counts),
        }

    def _in_journal(self) -> tuple[int, ...]:
        journal = self._parts.journal
        return ended([*journal.totals().values(), journal.retired()])

    def _since(self) -> tuple[int, ...]:
        """What the journal has counted since this process began."""
        return tuple(now - before for now, before in zip(self._in_journal(), self._before, strict=True))


def text(page: dict[str, Any]) -> str:
    """The page for a terminal."""
    frames, deadline = page["frames"], page["deadline"]
    lines = [f"{frames['received']} frames, bundle {page['bundle'][:12]}, engine {page['engine']}"]
    lines += [f"  {frames['answered']:6d}  ANSWERED, {frames['called_debris']} called debris"]
    for status in ("rejected", "skipped"):
        lines += [f"  {count:6d}  {status.upper()} ({reason})" for reason, count in frames[status].items()]
    lines += [f"  {count:6d}  without a record ({what})" for what, count in frames["not_recorded"].items()]
    lines += [f"  {frames['reordered']:6d}  of these behind a later id of their run"] if frames["reordered"] else []
    lines += ["the journal agrees" if page["journal"]["agrees"] else "THE JOURNAL DIFFERS: see the summary"]
    if deadline["limit_ms"] is not None:
        lines += [f"{deadline['missed']} of {deadline['of']} later than {deadline['limit_ms']:g} ms after the exposure"]
    if page["latency_ms"]:
        lines += ["latency, ms       p50      p99    p99.9      max"]
        lines += [
            f"  {stage:<10}"
            + "".join(f"{value:9.3f}" for value in values.values())
            + _over(deadline["stages"].get(stage))
            for stage, values in page["latency_ms"].items()
        ]
    return "\n".join(lines)


def _over(budget: dict[str, Any] | None) -> str:
    if budget is None:
        return ""
    return f"   {budget['missed']} of {budget['of']} over {budget['budget_ms']:g}"


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
