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


def auroc(is_anomaly: Flags, scores: Scores) -> float:
    """The area under the receiver operating characteristic."""
    return float(roc_auc_score(is_anomaly, scores))


def oriented_auroc(is_anomaly: Flags, numbers: Scores) -> float:
    """The AUROC of a number, turned by the labels so that it is at least 0.5."""
    found = auroc(is_anomaly, numbers)
    return max(found, 1 - found)


def bootstrap_auroc(is_anomaly: Flags, scores: Scores, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the AUROC over 1,000 resamples, normals and anomalies drawn apart."""
    low, high = np.percentile(resampled_aurocs(is_anomaly, scores[None], seed)[:, 0], [2.5, 97.5])
    return float(low), float(high)


def resampled_aurocs(is_anomaly: Flags, scores: Scores, seed: int = 0) -> npt.NDArray[np.float64]:
    """AUROCs of several detectors, [1000, D], of scores [D, N] of the same samples, each resample the same for all.

    So differences between columns are paired.
    """
    draw = np.random.default_rng(seed)
    # An anomaly's rank among the normals, ties counting half, is its share of the AUROC. Resampling the normals
    # changes the ranks, so each resample counts how often each normal was drawn.
    order = np.argsort(scores[:, ~is_anomaly], axis=1, kind="stable")
    normal = np.take_along_axis(scores[:, ~is_anomaly], order, axis=1)
    anomalous = scores[:, is_anomaly]
    below = np.stack([np.searchsorted(n, a, side="left") for n, a in zip(normal, anomalous, strict=True)])
    through = np.stack([np.searchsorted(n, a, side="right") for n, a in zip(normal, anomalous, strict=True)])
    count = normal.shape[1]
    found = np.empty((_RESAMPLES, len(scores)))
    for i in range(_RESAMPLES):
        times = draw.multinomial(count, np.full(count, 1 / count))
        picked = draw.integers(0, anomalous.shape[1], anomalous.shape[1])
        for d in range(len(scores)):
            drawn = np.concatenate([[0], np.cumsum(times[order[d]])])
            found[i, d] = (drawn[below[d, picked]] + drawn[through[d, picked]]).mean() / 2 / count
    return found


def detection_rate(is_anomaly: Flags, scores: Scores, false_alarm_rate: float) -> float:
    """The share of anomalies found where at most this share of the normals is called anomalous.

    With fewer normals than 1 / `false_alarm_rate`, that means: without a single false alarm.
    """
    normal = np.sort(scores[~is_anomaly])[::-1]
    allowed = int(false_alarm_rate * len(normal) + 1e-9)
    threshold = normal[allowed] if allowed < len(normal) else -np.inf
    return float((scores[is_anomaly] > threshold).mean())


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
