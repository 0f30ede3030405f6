"""Limits, expectations, accuracy, clocks and the load's bisection, each with what has to fail."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil_tests.bench import junit, limits
from hil_tests.bench.accuracy import auroc, rates
from hil_tests.bench.clock import best
from hil_tests.bench.expected import Outcome, judge
from hil_tests.bench.figures import NAMES, figures
from hil_tests.bench.history import History, Record, Sent, Told
from hil_tests.bench.ledger import balance
from hil_tests.bench.limits import Limit, Mark
from hil_tests.bench.load import Step, bisect, step_of
from hil_tests.bench.node_page import NodeEvent
from hil_tests.bench.pictures import Picture
from hil_tests.bench.plan import Injection, Schedule
from hil_tests.bench.process_faults import Done
from hil_tests.bench.recovery import Recovery, recoveries
from hil_tests.bench.recovery import judge as judge_process
from hil_tests.bench.sabotage import Found
from onboard.errors import InputError
from onboard.wire import PixelFormat

REPOSITORY = Path(__file__).parents[3]


def test_a_limit_is_held_or_broken_or_not_measured() -> None:
    given = (Limit("latency_ms.p99", at_most=50), Limit("auroc", at_least=0.7), Limit("recovery_s.kill", at_most=3))
    found = dict.fromkeys(NAMES) | {"latency_ms.p99": 50.1, "auroc": 0.7}
    held = limits.judge(given, found)
    assert [each.mark for each in held] == [Mark.FAIL, Mark.PASS, Mark.NOT_MEASURED]
    assert not limits.passed(held)
    suite = ElementTree.fromstring(junit.xml(held, "bench"))
    assert (suite.get("failures"), suite.get("skipped"), len(suite)) == ("1", "1", 3)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_no_limit_allows_what_never_came_back(value: float) -> None:
    found = dict.fromkeys(NAMES) | {"recovery_s.kill": value}
    assert limits.judge((Limit("recovery_s.kill", at_least=0),), found)[0].mark is Mark.FAIL


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("[]", "limits: \\[\\] judges nothing; name figures"),
        ("[{figure: auroc, at_most: 0.5, at_least: 0.7}]", "auroc: at_most 0.5 is below at_least 0.7, .* swap"),
        ("[{figure: auroc, at_least: 0.7}, {figure: auroc, at_least: 0.1}]", "auroc stands there 2 times; join them"),
        ("[{figure: node_ms.warm.infer.p99, at_most: 150}]", "none is on a figure that is measured here, .* name"),
    ],
)
def test_limits_that_judge_nothing_or_that_nothing_keeps_are_refused(tmp_path: Path, written: str, says: str) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(f"limits: {written}\n")
    with pytest.raises(InputError, match=f"{path}: limits: .*{says.removeprefix('limits: ')}"):
        limits.read(path)


def test_the_limits_of_the_repository_are_read_and_a_wrong_name_is_refused(tmp_path: Path) -> None:
    assert {each.figure for each in limits.read(REPOSITORY / "configs" / "limits.yaml")} <= set(NAMES)
    path = tmp_path / "limits.yaml"
    path.write_text("limits: [{figure: latency_ms.p98, at_most: 3}]\n")
    with pytest.raises(InputError, match=r"latency_ms.p98.*latency_ms.p99"):
        limits.read(path)
    path.write_text("limits: [{figure: auroc}]\n")
    with pytest.raises(InputError, match="at_most or at_least"):
        limits.read(path)


@pytest.mark.parametrize(
    ("kind", "ends", "outcome"),
    [
        ("stale", [("SKIPPED", "stale")], Outcome.MET),
        ("stale", [("ANSWERED", None)], Outcome.MISSED),
        ("stale", [("SKIPPED", "superseded")], Outcome.NOT_TESTED),
        ("stale", [], Outcome.NOT_TESTED),
        ("corrupt", [("REJECTED", "wire_payload_crc")], Outcome.MET),
        ("corrupt", [("ANSWERED", None)], Outcome.MISSED),
        ("corrupt_header", [], Outcome.MET),
        ("corrupt_header", [("ANSWERED", None)], Outcome.MISSED),
        ("duplicate", [("ANSWERED", None)], Outcome.MET),
        ("duplicate", [("ANSWERED", None), ("ANSWERED", None)], Outcome.MISSED),
        ("box_shift", [("REJECTED", "box_mostly_outside")], Outcome.MET),
        ("box_shift", [("REJECTED", "frame_black")], Outcome.MISSED),
    ],
)
def test_a_fault_ends_as_expected_or_not(kind: str, ends: list[tuple[str, str | None]], outcome: Outcome) -> None:
    history = History([Record("", 3, *end) for end in ends], [])
    assert judge(Injection(3, kind, 0), history).outcome is outcome


def test_recovery_counts_from_the_unblocking_to_an_answer_of_a_later_frame() -> None:
    sent = [Sent(n, 0, None, n * 100, n * 100, n * 100, 1) for n in range(10)]
    told = [Told(2, 350, "ANSWERED", None, None, None, ""), Told(5, 700, "SKIPPED", "stale", None, None, "")]
    kill = Injection(3, "kill", 0)
    never = recoveries(Schedule((kill,), 10), sent, History([], told), [Done(kill, 300, 320)])
    assert never[0].seconds is None  # frame 2 was exposed before the fault, frame 5 was not answered
    told.append(Told(6, 820, "ANSWERED", None, None, None, ""))
    back = recoveries(Schedule((kill,), 10), sent, History([], told), [Done(kill, 300, 320)])
    assert back[0].seconds == pytest.approx(500e-9)


def test_auroc_and_rates() -> None:
    assert auroc([0, 1, 2, 3], [False, False, True, True]) == 1.0
    assert auroc([3, 1, 2, 0], [False, False, True, True]) == 0.25
    assert auroc([1, 1], [False, True]) == 0.5
    assert auroc([1, 1], [True, True]) is None
    assert rates([True, False, True], [True, True, False]) == (0.5, 1.0)


def test_the_shortest_round_trip_gives_the_offset() -> None:
    found = best([(0, 5_000_900, 1000), (2000, 5_002_050, 2100), (4000, 5_009_000, 9000)])
    assert found.offset_ms == pytest.approx(5.0)
    assert found.error_ms == pytest.approx(50e-6)


def test_the_bisection_finds_the_rate_that_holds() -> None:
    def step(rate_hz: float) -> Step:
        late = rate_hz > 37
        return Step(rate_hz, 100, 100, 0, 0, 0, int(late), 1.0, 2.0, True)

    steps, best_step = bisect(1, 200, step)
    assert best_step is not None
    assert 37 / 1.05 <= best_step.rate_hz <= 37
    assert len(steps) < 12
    assert bisect(40, 200, step)[1] is None


def frames_of(answers: dict[int, int], count: int = 4) -> tuple[list[Sent], History]:
    """All are ANSWERED in the journal; verdicts arrived that many ms after the exposure of those given."""
    sent = [Sent(n, 0, None, n * 10**9, n * 10**9, n * 10**9 + 1, 1) for n in range(count)]
    told = [Told(n, n * 10**9 + ms * 10**6, "ANSWERED", None, None, None, "") for n, ms in answers.items()]
    return sent, History([Record("", n, "ANSWERED", None) for n in range(count)], told)


@pytest.mark.parametrize(
    ("answers", "late"), [({0: 5, 1: 5, 2: 5, 3: 5}, 0), ({0: 5, 1: 90, 2: 5, 3: 5}, 1), ({0: 5, 2: 5}, 2), ({}, 4)]
)
def test_a_rate_does_not_hold_where_a_verdict_came_late_or_never(answers: dict[int, int], late: int) -> None:
    step = step_of(10, *frames_of(answers), deadline_ms=50)
    assert (step.answered, step.late, step.holds) == (4, late, not late)


def test_a_node_that_answers_nothing_drops_everything() -> None:
    sent, _ = frames_of({})
    nothing, shown = History([], []), [Picture("a", b"", 1, 1, 3, PixelFormat.RGB8, None, None, 0)]
    found = figures(sent, nothing, {0, 1, 2, 3}, balance(sent, nothing), [], [], shown, 50, 10, None)
    assert (found["drop_share"], found["miss_share"], found["latency_ms.p50"]) == (1, 0, None)
    assert limits.judge((Limit("drop_share", at_most=0.01),), found)[0].mark is Mark.FAIL
    none_clean = figures(sent, nothing, set(), balance(sent, nothing), [], [], shown, 50, 10, None)
    assert none_clean["drop_share"] is None


def test_a_protection_without_a_figure_is_not_tested() -> None:
    assert Found("reload", "recovery_s.weight_flip", 4.0, float("inf")).noticed
    for values in ((4.0, None), (None, 4.0), (None, None)):
        found = Found("reload", "recovery_s.weight_flip", *values)
        assert not found.noticed
        assert found.line().endswith("NOT TESTED")


def test_a_frame_that_waited_for_the_node_may_be_skipped_but_not_answered_wrongly() -> None:
    fault = Injection(3, "box_missing", 0)
    waited, wrong = (History([Record("", 3, *end)], []) for end in (("SKIPPED", "stale"), ("ANSWERED", None)))
    assert judge(fault, waited, {3}).outcome is Outcome.NOT_TESTED
    assert judge(fault, waited, {4}).outcome is Outcome.MISSED
    assert judge(fault, wrong, {3}).outcome is Outcome.MISSED
    assert judge(Injection(3, "corrupt_header", 0), History([], []), {3}).outcome is Outcome.NOT_TESTED


def test_a_file_that_rots_has_to_be_named_while_it_does() -> None:
    rot = Recovery(Injection(3, "bundle_rot", 0), 100, 200, 210)
    late, other, told = (
        NodeEvent(*each, "") for each in ((250, "scrub_failed"), (150, "ended"), (150, "scrub_failed"))
    )
    assert judge_process(rot, [], History([], []), [], [late, other]).outcome is Outcome.MISSED
    assert judge_process(rot, [], History([], []), [], [late, told]).outcome is Outcome.MET
