"""A campaign from its configuration to its figures."""

import os
import sys
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hil_tests.bench import clock, expected, flips, node_page, recovery
from hil_tests.bench.config import BenchConfig
from hil_tests.bench.environment import environment
from hil_tests.bench.expected import Judged
from hil_tests.bench.figures import Figures, figures, of_flips
from hil_tests.bench.flips import Flip
from hil_tests.bench.history import History, Record, Sent
from hil_tests.bench.ledger import Ledger, balance
from hil_tests.bench.memory import MemoryWatch
from hil_tests.bench.node import Life
from hil_tests.bench.pictures import Picture
from hil_tests.bench.plan import MEMORY_KINDS, FaultPlan, Injection, Schedule, schedule
from hil_tests.bench.process_faults import Done, ProcessFaults
from hil_tests.bench.process_memory import Turn
from hil_tests.bench.recovery import Recovery
from hil_tests.bench.workbench import Workbench, workbench
from onboard.errors import InputError


@dataclass
class Campaign:
    """What was sent, what came back, and what follows from it.

    Attributes:
        run: the campaign's run id, in hexadecimal digits.
        schedule: the faults.
        sent, history, lives: what happened.
        nominal: ids of frames that no fault touched.
        ledger, judged, recoveries, flips, figures: what follows.
        environment: where it was measured, in names and words.
        node_summary: the node's own last page, or None.
    """

    run: str
    schedule: Schedule
    sent: list[Sent]
    history: History
    lives: list[Life]
    nominal: set[int]
    ledger: Ledger
    judged: list[Judged]
    recoveries: list[Recovery]
    flips: list[Flip]
    figures: Figures
    environment: dict[str, Any]
    node_summary: dict[str, Any] | None


@dataclass
class _Flown:
    """What a run leaves behind before anything is made of it."""

    sent: list[Sent]
    done: list[Done] = field(default_factory=list)
    growth_mb: float | None = None


def run(config: BenchConfig, pictures: list[Picture], plan: FaultPlan | None, out: Path) -> Campaign:
    """Run a campaign.

    Args:
        config: what is sent, and to which node.
        pictures: of the configured data.
        plan: faults; None: there are none.
        out: folder for the node's files.

    Raises:
        InputError: something that the configuration names cannot be used.
    """
    if plan is not None and plan.has(*MEMORY_KINDS):  # each picture's verdict has to be known before the first of them
        plan = msgspec.structs.replace(plan, warm_up_frames=max(plan.warm_up_frames, len(pictures)))
    laid = Schedule((), 0) if plan is None else schedule(plan, config.stream.rate_hz)
    frames = max(config.frames, laid.frames)
    if config.remote is not None and any(each.of_process for each in laid.injections):
        raise InputError("--plan: faults of the process need a node that the bench starts ('node', not 'remote')")
    minutes = frames / config.stream.rate_hz / 60
    print(f"{frames} frames, {len(laid.injections)} faults, {minutes:.1f} min", file=sys.stderr, flush=True)
    where = environment(config, plan)
    run_id = uuid.uuid4().bytes
    out.mkdir(parents=True, exist_ok=True)
    with workbench(config, pictures, out, plan) as bench:
        if config.remote is not None and config.remote.clock is not None:
            where["clock offset, ms"] = _offset(config)
        if bench.disk is not None:
            where["full disk"] = bench.disk.how
        bench.wait_until_ready()
        if bench.node is None:  # the journal's command is the user's own, and shall not fail behind the campaign
            bench.records(run_id)
        flown = _fly(config, plan, laid, frames, bench, run_id)
        told = bench.receiver.of(run_id)
        lives = [] if bench.node is None else bench.node.lives
        if bench.node is not None:
            bench.node.end()
        history = History(_records(bench, run_id, where), told)
        page = node_page.read(out / "node", lives[-1].pid) if lives else None
        events = node_page.events(out / "node") if lives else []
    if page is not None:
        counts = ", ".join(f"{name} {count}" for name, count in page["events"].items())
        where["events of the last process"] = counts
    where["load after"] = f"{os.getloadavg()[0]:.1f}"
    return _campaign(config, plan, laid, flown, history, lives, pictures, run_id, where, page, events)


def _records(bench: Workbench, run_id: bytes, where: dict[str, Any]) -> list[Record] | None:
    """The node's records. Where they cannot be had any more, the ledger is kept from verdicts alone, and says why."""
    try:
        return bench.records(run_id)
    except InputError as error:
        if bench.node is not None:
            raise
        where["journal"] = f"not read: {error}"
        print(f"the ledger is kept from verdicts alone: {error}", file=sys.stderr, flush=True)
        return None


def _fly(
    config: BenchConfig, plan: FaultPlan | None, laid: Schedule, frames: int, bench: Workbench, run_id: bytes
) -> _Flown:
    """Send everything, and wait until nothing comes any more."""
    with ExitStack() as opened:
        faults = watch = None
        if bench.node is not None:
            watch = MemoryWatch(lambda: bench.node.pid)  # type: ignore[union-attr]
            opened.callback(watch.close)
            if plan is not None and bench.model is not None:
                assert config.node is not None
                turns = _turns(bench.model.parent, laid.injections)
                faults = ProcessFaults(bench.node, plan, bench.model, config.node.keep_hashes, bench.disk, turns)
        begin = (lambda _: None) if faults is None else faults.begin
        sent = bench.sender.send(run_id, frames, plan, laid.injections, config.stale_ms, begin)
        if faults is not None:
            faults.close()
        bench.wait_until_quiet(run_id, sent)
        done = [] if faults is None else faults.done
        turned_s = [each.unblocked_ns / 1e9 for each in done if each.turned is not None]
        cuts = [edge_s for at_s in turned_s if plan is not None for edge_s in (at_s, at_s + plan.flip_ms / 1000)]
        return _Flown(sent, done, None if watch is None else watch.growth_mb(cuts))


def _campaign(
    config: BenchConfig,
    plan: FaultPlan | None,
    laid: Schedule,
    flown: _Flown,
    history: History,
    lives: list[Life],
    pictures: list[Picture],
    run_id: bytes,
    where: dict[str, Any],
    page: dict[str, Any] | None,
    events: list[node_page.NodeEvent],
) -> Campaign:
    sent = flown.sent
    struck = flips.look(flown.done, sent, history, events)
    recovered = recovery.recoveries(laid, sent, history, flown.done)
    recovered = sorted(
        [*recovered, *(each.recovery() for each in struck if each.tested)], key=lambda each: each.began_ns
    )
    ledger = balance(sent, history, recovery.may_lose(recovered, sent))
    if page is not None:
        ledger.errors += node_page.differences(page, run_id.hex(), ledger, len(lives))
    held_up = recovery.held_up(recovered, sent)
    judged = [expected.judge(each, history, held_up) for each in laid.injections if not each.of_process]
    others = [each for each in recovered if each.injection.of_process and each.injection.kind not in MEMORY_KINDS]
    judged += [recovery.judge(each, sent, history, lives, events) for each in others]
    judged += [flips.judge(each, plan.flip_ms / 1000) for each in struck if plan is not None]
    nominal = {frame.frame_id for frame in sent if frame.fault is None} - held_up
    found = figures(
        sent, history, nominal, ledger, judged, recovered, pictures, config.deadline_ms, config.stream.rate_hz,
        flown.growth_mb,
    ) | of_flips(struck)  # fmt: skip
    if lives:
        found["unexpected_ends"] = float(recovery.unexpected_ends(lives, recovered))
    return Campaign(
        run_id.hex(), laid, sent, history, lives, nominal, ledger, judged, recovered, struck, found, where, page
    )


def _turns(bundle: Path, injections: Sequence[Injection]) -> dict[Injection, Turn]:
    """Which bits the faults in memory turn; tried while the node waits.

    Raises:
        InputError: the bundle has no weight for it, or onnx is absent.
    """
    wanted = [each for each in injections if each.kind in MEMORY_KINDS]
    if not wanted:
        return {}
    try:
        from hil_tests.bench.weights import Rehearsal
    except ModuleNotFoundError as error:
        raise InputError("weight_flip, weight_huge: onnx is not installed; run pip install '.[hil]'") from error
    rehearsal = Rehearsal(bundle)
    return {each: rehearsal.draw(each.seed, huge=each.kind == "weight_huge") for each in wanted}


def _offset(config: BenchConfig) -> str:
    assert config.remote is not None and config.remote.clock is not None
    found = clock.measure(config.remote.clock, config.remote.curve)
    return f"{found.offset_ms:.4f} (at most {found.error_ms:.4f} off, best of {found.rounds} round trips)"
