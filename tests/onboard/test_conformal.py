from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from onboard import conformal


def test_the_number_of_frames_that_a_promise_needs() -> None:
    assert conformal.needed(1e-3) == 999 and conformal.needed(1e-3, 0.95) == 2995
    for rate, confidence in [(0.05, None), (0.3, None), (1e-2, 0.95), (0.1, 0.9), (0.3, 0.5)]:
        needed = conformal.needed(rate, confidence)
        assert conformal.rank(needed, rate, confidence) == 1
        assert conformal.rank(needed - 1, rate, confidence) == 0


def test_decimal_rates_are_taken_as_they_are_written() -> None:
    assert [conformal.rank(99, rate / 100) for rate in range(1, 100)] == list(range(1, 100))


@pytest.mark.parametrize(("count", "rate"), [(60, 0.05), (400, 0.1), (3000, 1e-3), (20_000, 0.3)])
def test_the_confident_rank_is_the_largest_that_the_beta_law_allows(count: int, rate: float) -> None:
    k = conformal.rank(count, rate, 0.95)
    sure = [stats.beta.cdf(rate, j, count + 1 - j) for j in (max(k, 1), k + 1)]
    assert (k == 0 or sure[0] >= 0.95) and sure[1] < 0.95


def test_coverage_on_uniform_scores() -> None:
    draw = np.random.default_rng(0)
    sets = np.sort(draw.random((20_000, 99)), axis=1)
    average, confident = conformal.rank(99, 0.1), conformal.rank(99, 0.1, 0.9)
    rates = 1 - sets[:, -average]
    assert abs(rates.mean() - 0.1) < 0.002  # k / (n + 1) is 0.1 to the digit
    assert 0.9 <= (1 - sets[:, -confident] <= 0.1).mean() < 0.97
    assert (rates <= 0.1).mean() < 0.7  # so the average promises little for one set


def test_a_class_never_seen_alarms_as_often_as_promised_though_its_scores_are_alike() -> None:
    draw = np.random.default_rng(0)
    classes, each, rate = 12, 5, 0.1
    k = conformal.class_rank(classes, each, rate)
    # What is alike within a class makes five scores little more than one: taken for independent they promise too much.
    centres = draw.normal(0, 2, (20_000, classes + 1, 1))
    scores = centres + draw.normal(0, 1, (20_000, classes + 1, each))
    known, new = np.sort(scores[:, :classes].reshape(20_000, -1), axis=1), scores[:, classes, 0]
    assert (new > known[:, -k]).mean() <= rate < 0.11 < (new > known[:, -conformal.rank(60, rate)]).mean()
    assert [conformal.class_rank(12, each, 0.07) for each in (1, 5, 1000)] == [0, 0, 0]
    assert [conformal.class_rank(19, each, 0.05) for each in (1, 5)] == [1, 1]
    assert [conformal.class_rank(count, 1, 0.29) for count in (5, 60)] == [conformal.rank(n, 0.29) for n in (5, 60)]


def test_p_values_against_a_count_by_hand() -> None:
    normal = np.array([1, 2, 2, 3], np.float32)
    found = [conformal.p_value(normal, score) for score in (0.5, 1, 2, 2.5, 3, 4)]
    assert found == [1, 1, 0.8, 0.4, 0.4, 0.2]
    assert all(a >= b for a, b in pairwise(found))
