"""What became of the frames of this process, and how long they took."""

from collections import Counter
from typing import Any

from onboard.fly.histogram import Histogram
from onboard.journal import Arrival, Totals
from onboard.messages import Answer, Status

STAGES = ("age", "read", "find", "window", "infer", "send", "total")


class Account:
    """Counts of frames by their end, and times by stage.

    Args:
        deadline_ms: from the exposure's start until the verdict is sent; None: there is none.

    Attributes:
        ends: frames by status and reason.
        not_recorded: arrivals that got no record, by what they were.
        debris: frames called debris.
        late: frames that were worked on and missed the deadline, of `times["total"].count`.
        times: one histogram for each of `STAGES`: the frame's age on arrival; from arrival to the window, finding a box
            apart; that, where none was given; cutting the window; the engine; record and sending; from arrival until
            the verdict is sent. Of frames that were worked on.
    """

    def __init__(self, deadline_ms: float | None) -> None:
        self._deadline_ms = deadline_ms
        self.ends: Counter[tuple[Status, str | None]] = Counter()
        self.not_recorded: Counter[str] = Counter()
        self.debris = self.late = 0
        self.times = {stage: Histogram() for stage in STAGES}

    def add(self, answer: Answer, is_debris: bool | None) -> None:
        """Count a frame's end."""
        self.ends[answer.status, answer.reason] += 1
        self.debris += bool(is_debris)

    def arrived_again(self, arrival: Arrival) -> None:
        """Count an arrival without a record."""
        self.not_recorded[arrival.value] += 1

    def time(self, age_ns: int, answer: Answer, sending_ns: int, total_ns: int) -> bool:
        """Count a worked frame's times; gives whether it met its deadline."""
        stages = (answer.find_ns, answer.window_ns, answer.infer_ns)
        spent = (age_ns, total_ns - sending_ns - sum(stages), *stages, sending_ns, total_ns)
        for stage, value in zip(STAGES, spent, strict=True):
            if value or stage not in ("find", "window", "infer"):  # a refused frame has none of them
                self.times[stage].add(value)
        met = self._deadline_ms is None or age_ns + total_ns <= self._deadline_ms * 1e6
        self.late += not met
        return met

    def of(self, status: Status) -> dict[str, int]:
        """Frames of a status by reason."""
        return {str(reason): count for (found, reason), count in sorted(self.ends.items(), key=str) if found is status}

    def totals(self) -> tuple[int, int, int]:
        """Frames answered, rejected, skipped."""
        answered, rejected, skipped = (
            sum(self.of(status).values()) for status in (Status.ANSWERED, Status.REJECTED, Status.SKIPPED)
        )
        return answered, rejected, skipped

    def as_dict(self) -> dict[str, Any]:
        """For the summary; `received` is the sum of the three after it."""
        answered, *_ = totals = self.totals()
        return {
            "frames": {
                "received": sum(totals),
                "answered": answered,
                "rejected": self.of(Status.REJECTED),
                "skipped": self.of(Status.SKIPPED),
                "called_debris": self.debris,
                "not_recorded": dict(self.not_recorded),
            },
            "deadline": {
                "limit_ms": self._deadline_ms,
                "missed": self.late if self._deadline_ms is not None else None,
                "of": self.times["total"].count,
            },
            "latency_ms": {stage: found.as_ms() for stage, found in self.times.items() if found.count},
        }


def ended(totals: list[Totals]) -> tuple[int, int, int]:
    """Frames answered, rejected and skipped in several of the journal's accounts together."""
    return (
        sum(each.answered for each in totals),
        sum(each.rejected for each in totals),
        sum(each.skipped for each in totals),
    )
