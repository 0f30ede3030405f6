"""A campaign in numbers. Every name here can stand in configs/limits.yaml."""

from collections import defaultdict
from typing import Any

import numpy as np

from hil_tests.bench.accuracy import auroc, rates
from hil_tests.bench.expected import Judged, Outcome
from hil_tests.bench.flips import Flip
from hil_tests.bench.history import History, Sent
from hil_tests.bench.ledger import Ledger
from hil_tests.bench.pictures import Picture
from hil_tests.bench.plan import MEMORY_KINDS, PROCESS_KINDS
from hil_tests.bench.recovery import Recovery

RECOVERING = ("stall", *PROCESS_KINDS)
LATENCY = ("p50", "p99", "p99_9", "max", "jitter")
NAMES = (
    *(f"latency_ms.{name}" for name in LATENCY),
    "miss_share", "drop_share", "loss_share", "ledger_errors", "verdicts_missing_share", "unexpected_ends",
    *(f"recovery_s.{kind}" for kind in RECOVERING),
    *(f"recovery_periods.{kind}" for kind in RECOVERING),
    *(f"wrong_scores.{kind}" for kind in MEMORY_KINDS),
    *(f"wrong_decisions.{kind}" for kind in MEMORY_KINDS),
    "outcomes_missed", "outcomes_not_tested_share", "memory_growth_mb",
    "auroc", "true_alarm_rate", "false_alarm_rate", "bench_late_ms",
)  # fmt: skip
Figures = dict[str, float | None]


def latencies_ms(sent: list[Sent], history: History, ids: set[int]) -> dict[int, float]:
    """From the start of the exposure until the verdict was here, of those frames that were answered."""
    return {
        frame_id: (found[0].received_ns - sent[frame_id].exposure_start_ns) / 1e6
        for frame_id, found in history.verdicts.items()
        if frame_id in ids and found[0].status == "ANSWERED"
    }


def figures(
    sent: list[Sent],
    history: History,
    nominal: set[int],
    ledger: Ledger,
    judged: list[Judged],
    recoveries: list[Recovery],
    pictures: list[Picture],
    deadline_ms: float,
    rate_hz: float,
    memory_growth_mb: float | None,
) -> Figures:
    """All of `NAMES`; None where a campaign has nothing to say on one.

    Args:
        sent, history: what went out and what came back.
        nominal: ids of frames that no fault has touched or held up.
        ledger, judged, recoveries: as kept.
        pictures: have the labels.
        deadline_ms: from the start of the exposure until the verdict is here.
        rate_hz: of the stream.
        memory_growth_mb: measured apart.
    """
    found: Figures = dict.fromkeys(NAMES)
    latency = latencies_ms(sent, history, nominal)
    values = np.array(list(latency.values()))
    count = len(nominal)
    if values.size:
        p50, p99, p99_9 = np.percentile(values, (50, 99, 99.9))
        for name, value in zip(LATENCY, (p50, p99, p99_9, values.max(), values.std()), strict=True):
            found[f"latency_ms.{name}"] = float(value)
    if count:  # a node that answers none of them has no latency, and drops them all
        found["miss_share"] = float((values > deadline_ms).sum() / count)
        found["drop_share"] = 1 - values.size / count
    found["loss_share"] = ledger.unexplained / ledger.sent if ledger.sent else None
    found["ledger_errors"] = float(len(ledger.errors))
    found["verdicts_missing_share"] = ledger.without_verdict / ledger.received if ledger.received else None
    found["outcomes_missed"] = float(sum(each.outcome is Outcome.MISSED for each in judged))
    if judged:
        found["outcomes_not_tested_share"] = sum(e.outcome is Outcome.NOT_TESTED for e in judged) / len(judged)
    found["memory_growth_mb"] = memory_growth_mb
    found["bench_late_ms"] = float(np.percentile([(e.sent_ns - e.due_ns) / 1e6 for e in sent if e.sent_ns], 99))
    return found | _recovery(recoveries, rate_hz) | _accuracy(sent, history, nominal, pictures)


def of_flips(flips: list[Flip]) -> Figures:
    """Wrong answers and decisions from each flip in memory until verdicts were right again, together."""
    found: defaultdict[str, float] = defaultdict(float)
    for each in flips:
        if each.tested:
            found[f"wrong_scores.{each.injection.kind}"] += each.wrong_scores
            found[f"wrong_decisions.{each.injection.kind}"] += each.wrong_decisions
    return dict(found)


def _recovery(recoveries: list[Recovery], rate_hz: float) -> Figures:
    """The longest of each kind; infinite where the node did not come back."""
    longest: defaultdict[str, float] = defaultdict(float)
    for each in recoveries:
        seconds = float("inf") if each.seconds is None else each.seconds
        longest[each.injection.kind] = max(longest[each.injection.kind], seconds)
    found: Figures = {}
    for kind, seconds in longest.items():
        found[f"recovery_s.{kind}"], found[f"recovery_periods.{kind}"] = seconds, seconds * rate_hz
    return found


def _accuracy(sent: list[Sent], history: History, nominal: set[int], pictures: list[Picture]) -> Figures:
    scores, labels, called, called_labels = [], [], [], []
    for frame_id in nominal:
        label = pictures[sent[frame_id].picture].is_debris
        told = next(iter(history.verdicts.get(frame_id, [])), None)
        if told is None or told.score is None or label is None:
            continue
        scores.append(told.score)
        labels.append(label)
        if told.is_debris is not None:
            called.append(told.is_debris)
            called_labels.append(label)
    found: Figures = {"auroc": auroc(scores, labels) if labels else None}
    if called:
        found["true_alarm_rate"], found["false_alarm_rate"] = rates(called, called_labels)
    return found


def as_json(found: Figures) -> dict[str, Any]:
    """With words for what JSON has no number for."""
    return {name: "never" if value == float("inf") else value for name, value in found.items()}
