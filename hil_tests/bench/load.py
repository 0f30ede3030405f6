"""The highest frame rate that a node holds with every frame answered in time, and what it does above it."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from hil_tests.bench import pictures
from hil_tests.bench.config import BenchConfig
from hil_tests.bench.environment import environment
from hil_tests.bench.figures import latencies_ms
from hil_tests.bench.history import History, Sent
from hil_tests.bench.ledger import balance
from hil_tests.bench.workbench import Workbench, workbench
from onboard import files
from onboard.errors import InputError

_ABOVE = (1.5, 2.0, 4.0)
_CLOSE = 1.05  # the bisection ends where the two rates are as close as this


@dataclass(frozen=True)
class Step:
    """What one rate gave.

    Attributes:
        rate_hz: frames sent each second.
        sent, answered, superseded, stale, lost: frames. `lost`: sent without a record, or refused by a full queue.
        late: answered, and the verdict was not here before the deadline: it came later, or never.
        p50_ms, p99_ms: exposure to verdict, of those whose verdict came; None without any.
        balances: whether the ledger does.
    """

    rate_hz: float
    sent: int
    answered: int
    superseded: int
    stale: int
    lost: int
    late: int
    p50_ms: float | None
    p99_ms: float | None
    balances: bool

    @property
    def holds(self) -> bool:
        return self.answered == self.sent and not self.late and self.balances

    def line(self) -> str:
        """For a terminal."""
        times = "-" if self.p50_ms is None else f"{self.p50_ms:.1f} / {self.p99_ms:.1f}"
        word = "holds" if self.holds else "-"
        return (
            f"{self.rate_hz:8.1f} {self.sent:6d} {self.answered:9d} {self.superseded:11d} {self.stale:6d} "
            f"{self.lost:5d} {self.late:5d} {times:>16}  {'yes' if self.balances else 'NO':<9} {word}"
        )


HEAD = "    rate   sent  answered  superseded  stale  lost  late   p50 / p99, ms  balances"


def bisect(low_hz: float, high_hz: float, step: Callable[[float], Step]) -> tuple[list[Step], Step | None]:
    """All steps that were taken, and the highest that held; None where not even the lowest does."""
    steps = [step(low_hz)]
    if not steps[0].holds:
        return steps, None
    best = steps[0]
    steps.append(step(high_hz))
    if steps[-1].holds:
        return steps, steps[-1]
    while high_hz / low_hz > _CLOSE:
        steps.append(step(float(np.sqrt(low_hz * high_hz))))
        if steps[-1].holds:
            best, low_hz = steps[-1], steps[-1].rate_hz
        else:
            high_hz = steps[-1].rate_hz
    return steps, best


def command(config: BenchConfig, out: Path, low_hz: float, high_hz: float, seconds: float) -> int:
    """Find the rate, say so, and write load.json; gives the exit code (1: not even the lowest rate holds).

    Raises:
        InputError: rates or the configuration cannot be used.
    """
    if not 0 < low_hz < high_hz <= 2000 or seconds <= 0:
        raise InputError(
            f"--from-hz {low_hz:g}, --to-hz {high_hz:g}, --seconds {seconds:g}: 0 < from < to <= 2000 needed"
        )
    shown = pictures.load(Path(config.stream.data), config.stream.pictures)
    out.mkdir(parents=True, exist_ok=True)
    where = environment(config, None)
    with workbench(config, shown, out) as bench:
        bench.wait_until_ready()
        print(HEAD)

        def step(rate_hz: float) -> Step:
            found = _step(config, bench, rate_hz, seconds)
            print(found.line(), flush=True)
            return found

        steps, best = bisect(low_hz, high_hz, step)
        if best is not None:
            steps += [step(best.rate_hz * factor) for factor in _ABOVE]
    page = {"environment": where, "highest_hz": best and best.rate_hz, "steps": [msgspec.to_builtins(s) for s in steps]}
    files.write_text(out / "load.json", json.dumps(page, indent=2) + "\n")
    if best is None:
        print(f"not even {low_hz:g} Hz holds: a frame was lost, overtaken or late; try --from-hz lower")
        return 1
    print(f"highest rate with every frame answered within {config.deadline_ms:g} ms: {best.rate_hz:.1f} Hz")
    if best.rate_hz == high_hz:
        print("that is --to-hz itself, so the highest may be higher: raise it")
    print(f"figures: {out / 'load.json'}")
    return 0


def _step(config: BenchConfig, bench: Workbench, rate_hz: float, seconds: float) -> Step:
    run, frames = uuid.uuid4().bytes, max(10, round(rate_hz * seconds))
    sent = bench.sender.send(run, frames, rate_hz=rate_hz)
    bench.wait_until_quiet(run, sent)
    return step_of(rate_hz, sent, History(bench.records(run), bench.receiver.of(run)), config.deadline_ms)


def step_of(rate_hz: float, sent: list[Sent], history: History, deadline_ms: float) -> Step:
    """What became of the frames of one rate."""
    ledger = balance(sent, history)
    ends = ledger.ends
    latency = latencies_ms(sent, history, {frame.frame_id for frame in sent})
    values = np.array(list(latency.values()))
    answered = [frame.frame_id for frame in sent if ("ANSWERED", None) in history.ends(frame.frame_id)]
    p50, p99 = (float(value) for value in np.percentile(values, (50, 99))) if values.size else (None, None)
    return Step(
        rate_hz,
        len(sent),
        ends["ANSWERED", None],
        ends["SKIPPED", "superseded"],
        ends["SKIPPED", "stale"],
        ledger.link_lost + ledger.refused,
        sum(latency.get(frame_id, np.inf) > deadline_ms for frame_id in answered),
        p50,
        p99,
        ledger.balances,
    )
