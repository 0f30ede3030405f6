"""Metrics against cases that can be counted by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from train import metrics


def test_perfect_reversed_and_one_sided() -> None:
    truth = np.array([False, False, True, True])
    good = metrics.measure(truth, np.array([0.1, 0.2, 0.8, 0.9]))
    assert good is not None
    assert (good.auroc, good.aupr, good.fpr_at_95_tpr, good.tpr_at_5_fpr) == (1.0, 1.0, 0.0, 1.0)
    bad = metrics.measure(truth, np.array([0.9, 0.8, 0.2, 0.1]))
    assert bad is not None and (bad.auroc, bad.fpr_at_95_tpr, bad.tpr_at_5_fpr) == (0.0, 1.0, 0.0)
    assert metrics.measure(np.zeros(4, bool), np.arange(4.0)) is None


@pytest.mark.parametrize("levels", [3, 1000])
def test_the_auroc_is_scikit_learn_s_with_and_without_ties(levels: int) -> None:
    draw = np.random.default_rng(levels)
    for _ in range(20):
        truth = draw.random(60) < 0.3
        scores = (draw.integers(0, levels, 60) + truth).astype(np.float32)
        assert metrics.auroc(truth, scores) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert np.isnan(metrics.auroc(np.zeros(60, bool), scores))
    with pytest.raises(ValueError, match="NaN"):
        metrics.auroc(truth, np.where(truth, np.nan, scores))


def test_rates_at_the_working_points() -> None:
    normal, anomalous = np.arange(100.0), np.array([*[200.0] * 30, *[96.5] * 30, *[50.5] * 40])
    found = metrics.measure(np.repeat([False, True], 100), np.concatenate([normal, anomalous]))
    assert found is not None
    assert found.tpr_at_5_fpr == pytest.approx(0.6)  # three normals lie above 96.5
    assert found.fpr_at_95_tpr == pytest.approx(0.49)  # all that lie above 50.5
    # Scores of few values: the point that is asked for lies within a straight piece of the curve.
    ties = np.tile(np.repeat(np.arange(20.0), 5), 2)
    found = metrics.measure(np.repeat([False, True], 100), ties)
    assert found is not None and found.fpr_at_95_tpr == pytest.approx(0.95)


def test_the_bootstrap_interval_holds_the_figure_and_has_the_known_width() -> None:
    """Against the standard error of Hanley and McNeil for an AUROC of 0.76 with 200 normals and 57 anomalies."""
    draw = np.random.default_rng(0)
    truth = np.repeat([False, True], [200, 57])
    width = []
    for _ in range(5):
        scores = draw.normal(0, 1, 257) + truth
        low, high = metrics.bootstrap_auroc(truth, scores)
        assert low < metrics.measure(truth, scores).auroc < high  # type: ignore[union-attr]
        width.append(high - low)
    a, n, m = 0.76, 57, 200
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + (n - 1) * (q1 - a * a) + (m - 1) * (q2 - a * a)) / (n * m))
    assert np.mean(width) == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert metrics.bootstrap_auroc(truth, scores) == metrics.bootstrap_auroc(truth, scores)


def test_groups_are_compared_with_all_of_the_other_side() -> None:
    truth = np.array([False, False, True, True])
    scores = np.array([0.0, 2.0, 1.0, 3.0])
    kinds = ["a", "b", "tank", "plate"]
    by_kind = metrics.by_group(truth, scores, kinds, of_anomalies=True)
    assert {name: group["auroc"] for name, group in by_kind.items()} == {"tank": 0.5, "plate": 1.0}
    by_class = metrics.by_group(truth, scores, kinds, of_anomalies=False)
    assert {name: group["auroc"] for name, group in by_class.items()} == {"a": 1.0, "b": 0.5}


def test_a_detection_rate_of_tied_scores_is_the_best_that_a_threshold_gives() -> None:
    # 16 anomalies and 48 normals; the best threshold's point lies on the line between its neighbours.
    truth = np.arange(64) < 16
    scores = np.where(truth, 1.0, 0.0)
    for n in range(3):
        scores[n] = scores[16 + n] = 4.0 - n
    measured = metrics.measure(truth, scores)
    assert measured is not None and measured.tpr_at_5_fpr == 2 / 16
