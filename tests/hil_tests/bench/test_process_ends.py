"""Which ends and starts of the node's processes a fault asks for, and which it does not excuse."""

import signal
import time
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


def fault(kind: ProcessKind, met_full_disk: bool | None = None) -> Recovery:
    """Begun after 100 ms, answered after 1,400 ms."""
    return Recovery(Injection(3, kind, 0), 100 * MS, 100 * MS, 1400 * MS, met_full_disk)


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
    ("met_full_disk", "lives", "outcome", "word"),
    [
        (True, [Life(2, 201 * MS, 1900 * MS, 0)], Outcome.MET, ""),
        (False, [Life(2, 201 * MS, 1900 * MS, 0)], Outcome.NOT_TESTED, "raise process_ms"),
        (None, [Life(2, 201 * MS, 1900 * MS, 0)], Outcome.NOT_TESTED, "file size limit"),
        (True, [Life(2, 201 * MS, 700 * MS, -11), Life(3, 800 * MS, 1900 * MS, 0)], Outcome.MISSED, "exit code -11"),
        (False, [Life(2, 201 * MS, 700 * MS, 2), Life(3, 800 * MS, 1900 * MS, 0)], Outcome.MISSED, "exit code 2"),
    ],
)
def test_a_node_has_to_be_started_while_its_disk_is_full(
    met_full_disk: bool | None, lives: list[Life], outcome: Outcome, word: str
) -> None:
    found = judge(fault("disk_full_kill", met_full_disk), [], History([], []), [KILLED, *lives])
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
    """In the place of a node, which is started again 30 ms after its death, and of its disk."""

    how = "none"

    def __init__(self, for_all: bool, reached: bool) -> None:
        self.for_all, self._reached, self._again_s = for_all, reached, float("inf")
        self.told: list[str] = []

    @property
    def pid(self) -> int:
        return 1 if time.monotonic() < self._again_s else 2

    def signal(self, number: signal.Signals) -> None:
        self._again_s = time.monotonic() + 0.03
        self.told.append(number.name)

    def fill(self, pid: int) -> None:
        self.told.append("full")

    def free(self, pid: int) -> None:
        self.told.append("free")

    def reached_by(self, pid: int) -> bool:
        return self._reached or pid == 1

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("for_all", "reached", "met", "at_least_s"),
    [(True, True, True, 0.1), (True, False, False, 0.22), (False, False, None, 0.02)],
)
def test_the_disk_is_full_until_the_next_node_has_come_to_its_files(
    for_all: bool, reached: bool, met: bool | None, at_least_s: float
) -> None:
    kill, stand = Injection(0, "disk_full_kill", 0), Stand(for_all, reached)
    plan = FaultPlan(seed=0, faults={"disk_full_kill": 1}, process_ms=20, settle_ms=400)
    began_s = time.monotonic()
    faults = ProcessFaults(cast(NodeProcess, stand), plan, Path("model.onnx"), True, stand, {})
    faults.begin(kill)
    faults.close()
    assert time.monotonic() - began_s >= at_least_s
    assert stand.told == ["full", "SIGKILL", "free"]
    assert faults.done[0].met_full_disk is met
