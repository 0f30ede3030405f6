import math

import numpy as np
import pytest

from onboard.calibration import TrackStatistic
from onboard.track import Track, TrackRule, values


def statistic(kind: str, **more: object) -> TrackStatistic:
    return TrackStatistic(**{"kind": kind, "evidence": "score", "usual": 1.0, "slack": 0.5, **more})  # type: ignore[arg-type]


def run(how: TrackStatistic, scores: list[float | None]) -> list[float]:
    return list(values(how, scores, [None] * len(scores)))


def test_ewma_starts_at_the_usual_and_holds_over_a_gap() -> None:
    assert run(statistic("ewma", weight=0.5), [3, None, 3]) == [2.0, 2.0, 2.5]


def test_cusum_sums_what_is_above_the_usual() -> None:
    assert run(statistic("cusum"), [3, 0, None, 4, 4]) == [1.5, 0.0, 0.0, 2.5, 5.0]


def test_k_of_n_is_the_kth_highest_of_the_last_n_and_a_gap_takes_a_place() -> None:
    assert run(statistic("k_of_n", k=2, n=3), [5, 4, None, 3, 1]) == [-math.inf, 4.0, 4.0, 3.0, 1.0]


@pytest.mark.parametrize(("kind", "fresh"), [("ewma", 1.0), ("cusum", 0.0), ("k_of_n", -math.inf)])
def test_a_long_gap_makes_it_forget(kind: str, fresh: float) -> None:
    how = statistic(kind, gap_frames=2, k=1, n=9)
    held = run(how, [9, None, None])
    assert held[-1] == held[0]
    assert run(how, [9, None, None, None])[-1] == fresh


def test_evidence_from_p_values() -> None:
    how = statistic("cusum", evidence="log_p", usual=0.0, slack=0.0)
    assert list(values(how, [None] * 3, [math.exp(-2), None, 1.0])) == pytest.approx([2, 2, 2])


def test_an_alarm_stays_and_none_comes_after_the_horizon() -> None:
    rule = TrackRule(statistic("cusum"), 3, np.array([1.0, 2.0, 3.0]), 0.25)
    early, late = Track(rule), Track(rule)
    found = [early.update(score, None) for score in (1.0, 5.0, 0.0, 0.0)]
    assert [state.alarm_frame for state in found] == [None, 2, 2, 2]
    assert [state.p_value for state in found] == [1.0, 0.25, 0.25, 0.25]
    found = [late.update(score, None) for score in (1.0, None, 1.0, 99.0)]
    assert not found[-1].is_debris and found[-1].beyond_horizon and not found[-2].beyond_horizon
    assert found[-1].value == 97.5 and found[-1].highest == 0.0 and found[-1].p_value == 1.0


def test_normal_tracks_alarm_as_often_as_promised() -> None:
    draw = np.random.default_rng(1)
    how = statistic("ewma", usual=0.0)

    def maximum() -> float:
        track = draw.normal() + 0.3 * draw.normal(size=12)  # frames of one track are dependent
        return float(values(how, list(track), [None] * 12).max())

    alarms = []
    for _ in range(150):
        rule = TrackRule(how, 12, np.sort([maximum() for _ in range(19)]), 0.1)
        alarms += [maximum() > rule.maxima[-2] for _ in range(5)]
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.03)
