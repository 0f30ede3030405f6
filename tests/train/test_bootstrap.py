"""Resamples against scikit-learn on what was drawn, sample by sample."""

import numpy as np
import pytest

from train import bootstrap, metrics


def test_a_resample_s_auroc_is_that_of_the_samples_drawn_ties_among_them() -> None:
    draw = np.random.default_rng(0)
    truth = draw.permutation(np.repeat([False, True], [30, 9]))
    scores = np.stack([draw.integers(0, 6, 39), draw.normal(size=39)])
    times = bootstrap.drawn(truth.tolist(), seed=4)
    found = bootstrap.aurocs(truth, scores, times)
    for resample in range(0, 1000, 97):
        rows = np.repeat(np.arange(39), times[resample])
        for d in (0, 1):
            assert found[resample, d] == pytest.approx(metrics.auroc(truth[rows], scores[d, rows]))


def test_each_stratum_keeps_its_size_and_the_seed_decides() -> None:
    strata = ["a"] * 5 + ["b"] * 20 + ["a"]
    times = bootstrap.drawn(strata, seed=1)
    is_a = np.array(strata) == "a"
    assert (times[:, is_a].sum(1) == 6).all() and (times[:, ~is_a].sum(1) == 20).all()
    assert np.array_equal(times, bootstrap.drawn(strata, seed=1))
    assert not np.array_equal(times, bootstrap.drawn(strata, seed=2))


def test_a_resample_without_anomalies_tells_nothing() -> None:
    times = np.array([[1, 1, 0], [1, 1, 2]])
    found = bootstrap.aurocs(np.array([False, False, True]), np.array([[0.0, 1.0, 2.0]]), times)
    assert np.isnan(found[0, 0]) and found[1, 0] == 1
    assert bootstrap.interval(found[:, 0]) == (1, 1, 1)
