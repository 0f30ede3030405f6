"""Made-up flips get the outcome that they should, and the figures follow."""

import msgspec
import numpy as np
import pytest

from hil_tests.seu import table
from hil_tests.seu.graph import Target
from hil_tests.seu.judge import Facts, Seen, facts, outcome, see
from hil_tests.seu.plan import Flip, draw
from hil_tests.seu.rates import rate
from hil_tests.seu.results import Record
from hil_tests.seu.table import Periods
from onboard.normal_scores import FrameRule, NormalScores

BOX = (0.0, 0.0, 10.0, 10.0)
RULE = FrameRule(0.25, None, NormalScores((), (np.float32([-3, -2, -1]),)), (0.25,))


@pytest.mark.parametrize(
    ("logit", "alarm"), [(2.5, False), (0.5, True), (np.nan, None), (np.inf, None), (2e6, None), (-2e6, None)]
)
def test_a_window_is_judged_as_the_node_does(logit: float, alarm: bool | None) -> None:
    assert see({"debris_logit": np.float32([[logit]])}, RULE, BOX).alarm is alarm


def test_another_output_that_is_not_finite_rejects_the_frame() -> None:
    assert see({"debris_logit": np.float32([[2.5]]), "pose": np.float32([np.nan])}, RULE, BOX).alarm is None


@pytest.mark.parametrize(
    ("after", "wanted", "with_answers", "without"),
    [
        ("a:n a:a |0", Facts(0, 0, 0, 0), "masked", "masked"),
        ("a:n a:a |1", Facts(0, 0, 0, 1), "masked", "masked"),
        ("a:a a:a |0", Facts(1, 0, 0, 0), "silent", "silent"),
        ("a:a a:n |1", Facts(1, 1, 0, 1), "detected", "silent"),
        ("a:n a:x |0", Facts(0, 0, 1, 0), "detected", "detected"),
        ("a:a a:x |0", Facts(1, 0, 1, 0), "detected", "detected"),
    ],
)
def test_outcomes(after: str, wanted: Facts, with_answers: str, without: str) -> None:
    called = {"n": False, "a": True, "x": None}
    frames, answer = after.split("|")
    seen = [Seen(b"", called[word.split(":")[1]]) for word in frames.split()]
    before = [Seen(b"", False), Seen(b"", True), Seen(b"0", False)]
    found = facts(before, [*seen, Seen(answer.encode(), False)], 1)
    assert found == wanted
    assert (outcome(found, True), outcome(found, False)) == (with_answers, without)


def test_figures_of_a_made_up_campaign() -> None:
    target = Target("w", "conv", 100, 32)
    flips = [Flip(n, target, n, n % 32, 1.0) for n in range(100)]
    harm, quiet, none = Facts(2, 0, 0, 1), Facts(1, 0, 0, 0), Facts(0, 0, 0, 0)
    records = [
        Record(n, {"plain": harm if n < 20 else quiet if n == 20 else none, "bounded": quiet if n == 0 else none})
        for n in range(100)
    ]
    lines = table.protections(flips, records, 4, Periods(60, 3600, 1))
    assert [line.silent.hits for line in lines] == [21, 1, 1, 1]
    assert [line.longest_s for line in lines] == [3600] * 4
    assert lines[0].wrong_s == pytest.approx((20 * 0.5 + 0.25) * 1800 / 100)
    assert lines[1].wrong_s == pytest.approx((20 * 0.5 * 30 + 0.25 * 1800) / 100)
    assert table.rarer(lines)["times"] == pytest.approx(21)
    assert table.contained(flips, records).hits == 20
    assert msgspec.json.decode(msgspec.json.encode(records[0]), type=Record) == records[0]


def test_known_answers_that_take_turns_take_longer() -> None:
    periods = Periods(60, 200, 3)
    ends = [periods.ends_s(Facts(1, 0, 0, answers), True) for answers in range(4)]
    assert ends == [200, 180, 120, 60]
    assert periods.ends_s(Facts(1, 0, 0, 3), False) == 200


def test_weights_make_a_rate_of_memory() -> None:
    even = rate([(1.0, n < 3) for n in range(30)])
    assert (even.low, even.high) == (pytest.approx(0.0346, abs=1e-4), pytest.approx(0.2562, abs=1e-4))
    assert rate([(0.5, True), (1.5, False)]).share == 0.25
    assert rate([(1.0, False)] * 3000).high == pytest.approx(0.00128, abs=1e-5)


def test_plan_covers_layers_and_bits_and_is_the_seed_s() -> None:
    targets = [Target("small", "a", 1, 32), Target("mid", "b", 900, 32), Target("large", "c", 90000, 16)]
    plan = draw(targets, 2000, 1, 7)
    assert plan == draw(targets, 2000, 1, 7) != draw(targets, 2000, 1, 8)
    assert [flip.number for flip in plan] == list(range(2000))
    for target in targets:
        mine = [flip for flip in plan if flip.target == target]
        counts = np.bincount([flip.bit for flip in mine], minlength=target.width)
        assert counts.max() - counts.min() <= 1 and len(counts) == target.width
    assert max(flip.weight for flip in plan) <= 2
    assert sum(flip.weight for flip in plan) == pytest.approx(2000, rel=0.01)
    assert max(flip.bit for flip in draw(targets, 2000, 3, 7) if flip.target.width == 16) == 13
