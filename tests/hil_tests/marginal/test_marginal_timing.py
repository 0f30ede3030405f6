"""Timing by turns: ratios of what ran side by side."""

import itertools

import numpy as np
import pytest

from hil_tests.marginal.timing import by_turns, ratio


def test_every_call_runs_once_a_round_and_none_is_always_first() -> None:
    order: list[str] = []
    calls = {name: (lambda name=name: order.append(name)) for name in "abc"}
    times = by_turns(calls, 6, "test")
    timed = "".join(order[-18:])
    assert sorted(timed) == sorted("abc" * 6)
    assert [timed[i] for i in range(0, 18, 3)] == list("abcabc")
    assert all(len(values) == 6 and (values >= 0).all() for values in times.values())


def test_times_are_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_ns = itertools.count(0, 2_500_000)
    monkeypatch.setattr("hil_tests.marginal.timing.time.perf_counter_ns", lambda: next(clock_ns))
    assert by_turns({"call": lambda: None}, 3, "test")["call"].tolist() == [2.5, 2.5, 2.5]


def test_ratios_are_of_each_round() -> None:
    slow_machine = np.array([1.0, 10.0, 100.0])  # it became slower while it was measured
    found = ratio(1.5 * slow_machine, slow_machine)
    assert found == pytest.approx({"median": 1.5, "p5": 1.5, "p95": 1.5})
