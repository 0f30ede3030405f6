"""How well scores tell anomalies from normals. Positive is the anomaly; a higher score is more anomalous."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

_RESAMPLES = 1000
Scores = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Metrics:
    """All between 0 and 1.

    Attributes:
        auroc: area under the receiver operating characteristic.
        auroc_95: its 95 % interval, bootstrapped over normals and anomalies apart (seeded).
        aupr: average precision, with anomalies positive; chance is their share.
        fpr_at_95_tpr: share of normals called anomalous where 95 % of the anomalies are.
        tpr_at_5_fpr: share of anomalies found where at most 5 % of the normals are called anomalous.
    """

    auroc: float
    auroc_95: tuple[float, float]
    aupr: float
    fpr_at_95_tpr: float
    tpr_at_5_fpr: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(is_anomaly: Flags, scores: Scores) -> Metrics | None:
    """Metrics of N scores; None where normals or anomalies are lacking."""
    if is_anomaly.all() or not is_anomaly.any():
        return None
    false_rate, true_rate, _ = roc_curve(is_anomaly, scores)
    return Metrics(
        auroc=float(roc_auc_score(is_anomaly, scores)),
        auroc_95=bootstrap_auroc(is_anomaly, scores),
        aupr=float(average_precision_score(is_anomaly, scores)),
        fpr_at_95_tpr=float(false_rate[np.argmax(true_rate >= 0.95)]),
        tpr_at_5_fpr=float(true_rate[false_rate <= 0.05].max()),
    )


def bootstrap_auroc(is_anomaly: Flags, scores: Scores, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the AUROC over 1,000 resamples, normals and anomalies drawn apart."""
    draw = np.random.default_rng(seed)
    normal, anomalous = np.sort(scores[~is_anomaly]), scores[is_anomaly]
    # An anomaly's rank among the normals, ties counting half, is its share of the AUROC. Resampling the normals
    # changes the ranks, so each resample counts how often each normal was drawn.
    below = np.searchsorted(normal, anomalous, side="left")
    through = np.searchsorted(normal, anomalous, side="right")
    found = np.empty(_RESAMPLES)
    for i in range(_RESAMPLES):
        drawn = np.concatenate([[0], np.cumsum(draw.multinomial(len(normal), np.full(len(normal), 1 / len(normal))))])
        picked = draw.integers(0, len(anomalous), len(anomalous))
        found[i] = (drawn[below[picked]] + drawn[through[picked]]).mean() / 2 / len(normal)
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def by_group(is_anomaly: Flags, scores: Scores, groups: Sequence[str], of_anomalies: bool) -> dict[str, dict[str, Any]]:
    """AUROC of each kind of anomaly against all normals, or of all anomalies against each class of normals."""
    names = np.array(groups)
    inside = is_anomaly if of_anomalies else ~is_anomaly
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(set(names[inside])):
        mine = inside & (names == name)
        used = mine | ~inside
        known = is_anomaly[used]
        auroc = None if known.all() or not known.any() else float(roc_auc_score(known, scores[used]))
        found[str(name)] = {"samples": int(mine.sum()), "auroc": auroc, "mean_score": float(scores[mine].mean())}
    return found


def auroc_by_epoch(is_anomaly: Flags, scores: Scores) -> list[float]:
    """The AUROC of each row of scores, [epochs, N]."""
    return [float(roc_auc_score(is_anomaly, row)) for row in scores]
