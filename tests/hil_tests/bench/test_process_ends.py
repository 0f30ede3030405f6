"""Which ends and starts of the node's processes a fault asks for, and which it does not excuse."""

import signal
from pathlib import Path
from typing import cast

import pytest

from hil_tests.bench.expected import Outcome
from hil_tests.bench.history import History, Sent, Told
from hil_tests.bench.ledger import balance
from hil_tests.bench.node import Life, NodeProcess
from hil_tests.bench.plan import FaultPlan, Injection, ProcessKind, Schedule
from hil_tests.bench.process_faults import Done, ProcessFaults
from hil_tests.bench.recovery import Recovery, judge, recoveries, unexpected_ends

MS = 1_000_000
KILLED = Life(1, 0, 101 * MS, -9)


def fault(kind: ProcessKind, full_until_ms: int | None = None) -> Recovery:
    """Begun after 100 ms, answered after 1,400 ms."""
    full_until_ns = None if full_until_ms is None else full_until_ms * MS
    return Recovery(Injection(3, kind, 0), 100 * MS, 100 * MS, 1400 * MS, full_until_ns)


def test_a_process_that_dies_by_itself_is_counted() -> None:
    kill, asked = fault("kill"), Life(3, 1510 * MS, 1900 * MS, 0)
    crashed = Life(2, 120 * MS, 1500 * MS, 1)
    assert unexpected_ends([KILLED, asked], [kill]) == 0
    assert unexpected_ends([KILLED, crashed, asked], [kill]) == 1
    assert unexpected_ends([KILLED, crashed], [kill]) == 1
    assert unexpected_ends([], []) == 0


@pytest.mark.parametrize(
    ("kind", "code", "count"),
    [
        ("kill", -11, 1),
        ("kill", 2, 1),
        ("disk_full_kill", 2, 1),
        ("disk_full_kill", 1, 1),
        ("bundle_corrupt", 2, 0),
        ("bundle_corrupt", -11, 1),
    ],
)
def test_a_crash_of_the_node_that_was_started_again_is_no_part_of_the_fault(
    kind: ProcessKind, code: int, count: int
) -> None:
    again = [KILLED, Life(2, 201 * MS, 600 * MS, code), Life(3, 700 * MS, 1900 * MS, 0)]
    assert unexpected_ends(again, [fault(kind)]) == count


@pytest.mark.parametrize(
    ("full_until_ms", "lives", "outcome", "word"),
    [
        (1100, [Life(2, 201 * MS, 1900 * MS, 0)], Outcome.MET, ""),
        (1100, [Life(2, 900 * MS, 1900 * MS, 0)], Outcome.NOT_TESTED, "raise process_ms"),
        (1100, [Life(2, 1101 * MS, 1900 * MS, 0)], Outcome.NOT_TESTED, "raise process_ms"),
        (None, [Life(2, 201 * MS, 1900 * MS, 0)], Outcome.NOT_TESTED, "file size limit"),
        (1100, [Life(2, 201 * MS, 700 * MS, 2), Life(3, 800 * MS, 1900 * MS, 0)], Outcome.MISSED, "exit code 2"),
    ],
)
def test_a_node_has_to_be_started_while_its_disk_is_full(
    full_until_ms: int | None, lives: list[Life], outcome: Outcome, word: str
) -> None:
    found = judge(fault("disk_full_kill", full_until_ms), [], History([], []), [KILLED, *lives])
    assert (found.outcome, word in found.detail) == (outcome, True)


def test_a_verdict_on_a_frame_that_was_never_sent_is_named_by_the_ledger() -> None:
    sent = [Sent(n, 0, None, n * 100, n * 100, n * 100, 1) for n in range(2)]
    told = [Told(9, 150, "ANSWERED", None, None, None, ""), Told(1, 160, "ANSWERED", None, None, None, "")]
    kill = Injection(0, "kill", 0)
    history = History([], told)
    found = recoveries(Schedule((kill,), 2), sent, history, [Done(kill, 90, 100)])
    assert found[0].answered_ns == 160
    assert any("frame 9" in error for error in balance(sent, history).errors)


class Stand:
    """In the place of a node, and of its disk."""

    pid, how = 1, "none"

    def __init__(self, for_all: bool) -> None:
        self.for_all, self.told = for_all, []

    def signal(self, number: signal.Signals) -> None:
        self.told.append(number.name)

    def fill(self, pid: int) -> None:
        self.told.append("full")

    def free(self, pid: int) -> None:
        self.told.append("free")

    def close(self) -> None: ...


@pytest.mark.parametrize("for_all", [True, False])
def test_a_kill_while_the_disk_is_full_says_until_when_a_new_node_found_it_so(for_all: bool) -> None:
    kill, stand = Injection(0, "disk_full_kill", 0), Stand(for_all)
    plan = FaultPlan(seed=0, faults={"disk_full_kill": 1}, process_ms=20)
    faults = ProcessFaults(cast(NodeProcess, stand), plan, Path("model.onnx"), True, stand, {})
    faults.begin(kill)
    faults.close()
    assert stand.told == ["full", "SIGKILL", "free"]
    done = faults.done[0]
    assert done.full_until_ns is None if not for_all else (done.full_until_ns or 0) >= done.unblocked_ns + 20 * MS
