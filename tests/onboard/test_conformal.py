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


def test_p_values_against_a_count_by_hand() -> None:
    normal = np.array([1, 2, 2, 3], np.float32)
    found = [conformal.p_value(normal, score) for score in (0.5, 1, 2, 2.5, 3, 4)]
    assert found == [1, 1, 0.8, 0.4, 0.4, 0.2]
    assert all(a >= b for a, b in pairwise(found))
