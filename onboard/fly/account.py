"""What became of the frames of this process, and how long they took."""

from collections import Counter
from typing import Any, NamedTuple

from onboard.fly.config import Budgets
from onboard.fly.histogram import Histogram
from onboard.journal import Arrival, Totals
from onboard.messages import Answer, Status

STAGES = ("age", "read", "find", "window", "infer", "send", "total")
_MAY_BE_LEFT_OUT = ("find", "window", "infer")  # a refused frame has none of them


class Missed(NamedTuple):
    """What a frame was too late for: its deadline, and the budgets of stages."""

    deadline: bool
    stages: tuple[str, ...]


class Account:
    """Counts of frames by their end, and times by stage.

    Args:
        deadline_ms: from the exposure's start until the verdict is sent; None: there is none.
        budgets: of the stages.

    Attributes:
        ends: frames by status and reason.
        not_recorded: arrivals that got no record, by what they were.
        reordered: frames that got their record although a later id of their run had come before.
        debris: frames called debris.
        over: frames that were worked on and took longer in a stage than its budget, by stage.
        late: frames that were worked on and missed the deadline, of `times["total"].count`.
        times: one histogram for each of `STAGES`: the frame's age on arrival; from arrival to the window, finding a box
            apart; that, where none was given; cutting the window; the engine; record and sending; from arrival until
            the verdict is sent. Of frames that were worked on.
    """

    def __init__(self, deadline_ms: float | None, budgets: Budgets) -> None:
        self._deadline_ms = deadline_ms
        self._deadline_ns = None if deadline_ms is None else deadline_ms * 1e6
        given = {stage: getattr(budgets, stage) for stage in STAGES}
        self._budgets_ms: dict[str, float] = {stage: ms for stage, ms in given.items() if ms is not None}
        self.over: Counter[str] = Counter()
        self.ends: Counter[tuple[Status, str | None]] = Counter()
        self.not_recorded: Counter[str] = Counter()
        self.debris = self.late = self.reordered = 0
        self.times = {stage: Histogram() for stage in STAGES}

    def add(self, answer: Answer, is_debris: bool | None) -> None:
        """Count a frame's end."""
        self.ends[answer.status, answer.reason] += 1
        self.debris += bool(is_debris)

    def arrived_again(self, arrival: Arrival) -> None:
        """Count an arrival without a record."""
        self.not_recorded[arrival.value] += 1

    def time(self, age_ns: int, answer: Answer, sending_ns: int, total_ns: int) -> Missed:
        """Count a worked frame's times; gives what they were too long for."""
        find_ns, window_ns, infer_ns = answer.find_ns, answer.window_ns, answer.infer_ns
        read_ns = total_ns - sending_ns - find_ns - window_ns - infer_ns
        spent = (age_ns, read_ns, find_ns, window_ns, infer_ns, sending_ns, total_ns)
        for (stage, histogram), spent_ns in zip(self.times.items(), spent, strict=True):
            if spent_ns or stage not in _MAY_BE_LEFT_OUT:
                histogram.add(spent_ns)
        over = self._over(spent) if self._budgets_ms else ()
        late = self._deadline_ns is not None and age_ns + total_ns > self._deadline_ns
        self.late += late
        return Missed(late, over)

    def _over(self, spent: tuple[int, ...]) -> tuple[str, ...]:
        """Stages that took longer than their budget."""
        over = tuple(
            stage
            for stage, spent_ns in zip(STAGES, spent, strict=True)
            if stage in self._budgets_ms and spent_ns > self._budgets_ms[stage] * 1e6
        )
        self.over.update(over)
        return over

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
                "reordered": self.reordered,
            },
            "deadline": {
                "limit_ms": self._deadline_ms,
                "missed": self.late if self._deadline_ms is not None else None,
                "of": self.times["total"].count,
                "stages": {
                    stage: {"budget_ms": ms, "missed": self.over[stage], "of": self.times[stage].count}
                    for stage, ms in self._budgets_ms.items()
                },
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
