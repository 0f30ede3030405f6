"""Bits turned in the memory of another process, and what has to come of them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hil_tests.bench.expected import Outcome
from hil_tests.bench.flips import Flip, judge, look
from hil_tests.bench.history import History, Sent, Told
from hil_tests.bench.memory import MemoryWatch
from hil_tests.bench.node_page import NodeEvent
from hil_tests.bench.plan import Injection
from hil_tests.bench.process_faults import Done
from hil_tests.bench.process_memory import Turn, Turned, turn
from hil_tests.bench.weights import Rehearsal
from onboard.errors import InputError
from tests.onboard import small_flight

HOLDER = """
import numpy, sys
data = numpy.frombuffer(bytes.fromhex(sys.argv[1]), numpy.float32).copy()
image = numpy.frombuffer(bytes.fromhex(sys.argv[2] + sys.argv[1]), numpy.uint8).copy()
print("ready", flush=True)
sys.stdin.readline()
print(data.tobytes().hex(), image.tobytes().hex())
"""
S = 1_000_000_000


def test_the_bits_are_turned_in_the_live_copies_alone() -> None:
    values = np.random.default_rng(3).normal(0, 1, 64).astype(np.float32)
    in_front = bytes(range(1, 17))
    change = Turn("weights", 40, 28, 3, values.tobytes(), in_front)
    command = [sys.executable, "-c", HOLDER, values.tobytes().hex(), in_front.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "ready\n"
        done = turn(holder.pid, change)
        data, image = holder.communicate("\n")[0].split()
    expected = values.copy()
    expected.view(np.uint32)[40] ^= 0b111 << 28
    assert (done.refused, done.weight) == ("", "weights[40], bits 28 to 30")
    assert done.copies >= 1
    assert data == expected.tobytes().hex()
    assert image == (in_front + values.tobytes()).hex()


def test_a_memory_that_cannot_be_changed_is_no_crash() -> None:
    change = Turn("weights", 0, 30, 1, np.random.default_rng(4).bytes(64), b"")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert "cannot be opened (No such file" in turn(gone.pid, change).refused
    if os.getuid() == 0:
        code = f"import os\nfrom {turn.__module__} import *\nos.setuid(65534)\n"
        code += f"print(turn({os.getpid()}, Turn('w', 0, 30, 1, b'', b'')).refused)"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": "."})
        assert "cannot be opened (Permission denied)" in told.stdout, told.stderr


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    return Rehearsal(small_flight.write_bundle(tmp_path_factory.mktemp("flip") / "bundle", centred=True))


def test_a_drawn_flip_moves_every_known_answer_and_is_drawn_again(rehearsal: Rehearsal) -> None:
    sound = list(rehearsal._logits())
    for huge in (False, True):
        for seed in range(4):
            drawn = rehearsal.draw(seed, huge)
            assert drawn == rehearsal.draw(seed, huge)
            assert list(rehearsal._logits()) == sound  # it was tried, and put back
            weights = rehearsal._weights[drawn.tensor]
            weights.view(np.uint32)[drawn.index] ^= np.uint32(drawn.mask)
            turned = list(rehearsal._logits())
            weights.view(np.uint32)[drawn.index] ^= np.uint32(drawn.mask)
            assert all((not abs(logit) <= 1e6) == huge for logit in turned)
            assert not set(turned) & set(sound)


def test_a_bundle_without_such_a_weight_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="weight_flip and weight_huge to 0"):
        Rehearsal(small_flight.write_bundle(tmp_path / "bundle"))


def seen(kind: str, scores: list[float | None], events: list[tuple[float, str]], turned: Turned | None = None) -> Flip:
    """One frame each second of two pictures that score 1 and 2; the bit is turned after 3.5 s; None is rejected."""
    sent = [Sent(n, n % 2, kind if n > 3 else None, n * S, n * S, n * S, 1) for n in range(len(scores))]
    told = [
        Told(n, n * S + 1, "REJECTED" if score is None else "ANSWERED", None, score, (score or 0) > 3, "")
        for n, score in enumerate(scores)
    ]
    told = [
        Told(*(getattr(one, name) for name in Told.__struct_fields__[:3]), "invalid_output", None, None, "")
        if one.status == "REJECTED"
        else one
        for one in told
    ]
    done = Done(Injection(4, kind, 0), round(3.4 * S), round(3.5 * S), turned or Turned("w[0], bit 25", 1))
    return look([done], sent, History([], told), [NodeEvent(round(at * S), name, "") for at, name in events])[0]


BEFORE = [1.0, 2.0, 1.0, 2.0]
NOTICED = [(4.6, "known_answer_wrong"), (5.5, "engine_reloaded")]


def test_a_flip_is_over_when_verdicts_have_their_bits_again() -> None:
    flip = seen("weight_flip", [*BEFORE, 1.5, 4.0, 1.0, 2.0], NOTICED)
    assert (flip.wrong_scores, flip.wrong_decisions, flip.unanswered) == (2, 1, 0)
    assert flip.recovery().seconds == pytest.approx(2.5)
    assert judge(flip, 2).outcome is Outcome.MET
    assert judge(flip, 1).detail.endswith("no event known_answer_wrong within 1 s")


@pytest.mark.parametrize(
    ("kind", "scores", "events", "outcome", "word"),
    [
        ("weight_flip", [1.5, 2.5, 1.5], NOTICED, Outcome.MISSED, "did not become what they were"),
        ("weight_flip", [1.5, 2.5, 1.0], NOTICED[1:], Outcome.MISSED, "known_answer_wrong"),
        ("weight_flip", [1.5, 2.5, 1.0], NOTICED[:1], Outcome.MISSED, "engine_reloaded"),
        ("weight_flip", [1.0, 2.0, 1.0], [], Outcome.NOT_TESTED, "no verdict and no known answer changed"),
        ("weight_huge", [None, None, 1.0], NOTICED[1:], Outcome.MET, ""),
        ("weight_huge", [None, 1e7, 1.0], NOTICED, Outcome.MISSED, "beyond 1e+06"),
    ],
)
def test_what_has_to_come_of_a_flip(
    kind: str, scores: list[float | None], events: list[tuple[float, str]], outcome: Outcome, word: str
) -> None:
    found = judge(seen(kind, [*BEFORE, *scores], events), 2)
    assert found.outcome is outcome
    assert word in found.detail


def test_a_verdict_on_a_frame_that_was_never_sent_is_left_to_the_ledger() -> None:
    done = Done(Injection(1, "weight_flip", 0), S, S, Turned("w[0], bit 25", 1))
    told = [Told(7, 2 * S, "ANSWERED", None, 1.0, False, "")]
    assert look([done], [Sent(0, 0, None, 0, 0, 0, 1)], History([], told), [])[0].wrong_scores == 0


def test_a_flip_that_was_not_possible_is_not_tested() -> None:
    found = judge(seen("weight_flip", [*BEFORE, 1.0], [], Turned("w[0], bit 25", 0, "not permitted")), 2)
    assert (found.outcome, "not permitted" in found.detail) == (Outcome.NOT_TESTED, True)
    met = seen("weight_flip", [*BEFORE, 1.5, 2.0], NOTICED)
    assert not replace(met, copies=0).tested


def test_memory_that_a_reload_takes_is_no_growth() -> None:
    watch = MemoryWatch(os.getpid)
    watch.close()
    watch.seen = {1: [(t, 100.0 if t < 21 else 150.0) for t in range(80)]}
    assert watch.growth_mb([20.0, 24.0]) == 0
    watch.seen = {1: [(t, 100.0 if t < 60 else 150.0) for t in range(80)]}
    assert watch.growth_mb([20.0, 24.0]) == 50
