"""How well scores tell anomalies from normals. Positive is the anomaly; a higher score is more anomalous."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_curve

from train import bootstrap
from train.bootstrap import Flags, Scores


@dataclass(frozen=True)
class Metrics:
    """All between 0 and 1.

    Attributes:
        auroc: area under the receiver operating characteristic.
        auroc_95: its 95 % interval, bootstrapped over normals and anomalies apart (seeded).
        aupr: average precision, with anomalies positive; chance is their share.
        fpr_at_95_tpr: share of normals called anomalous where 95 % of the anomalies are.
        tpr_at_5_fpr: share of anomalies found where at most 5 % of the normals are called anomalous.
        tpr_at_1e2_fpr: the same at 1e-2; with fewer than 100 normals, without a single false alarm.
        tpr_at_1e3_fpr: the same at 1e-3; with fewer than 1,000 normals, without a single false alarm.
    """

    auroc: float
    auroc_95: tuple[float, float]
    aupr: float
    fpr_at_95_tpr: float
    tpr_at_5_fpr: float
    tpr_at_1e2_fpr: float
    tpr_at_1e3_fpr: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(is_anomaly: Flags, scores: Scores) -> Metrics | None:
    """Metrics of N scores; None where normals or anomalies are lacking."""
    if is_anomaly.all() or not is_anomaly.any():
        return None
    # Whole: of equal scores, those that are dropped by default may be the ones that are looked for.
    false_rate, true_rate, _ = roc_curve(is_anomaly, scores, drop_intermediate=False)
    return Metrics(
        auroc=auroc(is_anomaly, scores),
        auroc_95=bootstrap_auroc(is_anomaly, scores),
        aupr=float(average_precision_score(is_anomaly, scores)),
        fpr_at_95_tpr=float(false_rate[np.argmax(true_rate >= 0.95)]),
        tpr_at_5_fpr=detection_rate(is_anomaly, scores, 0.05),
        tpr_at_1e2_fpr=detection_rate(is_anomaly, scores, 1e-2),
        tpr_at_1e3_fpr=detection_rate(is_anomaly, scores, 1e-3),
    )


def auroc(is_anomaly: Flags, scores: Scores) -> float:
    """The area under the receiver operating characteristic, 0 to 1: NaN where normals or anomalies are lacking.

    It is the share of pairs of one normal and one anomaly in which the anomaly scores higher, of equal ones the half.
    scikit-learn's takes over a hundred times as long for some hundred scores, and a benchmark asks for hundreds.

    Args:
        is_anomaly: bool [N].
        scores: [N], higher for anomalies.

    Raises:
        ValueError: a score is NaN or infinite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("an AUROC of scores that hold NaN or infinity")
    normal, anomalous = np.sort(scores[~is_anomaly]), scores[is_anomaly]
    pairs = len(normal) * len(anomalous)
    below = sum(int(np.searchsorted(normal, anomalous, side).sum()) for side in ("left", "right"))
    return below / (2 * pairs) if pairs else float("nan")


def oriented_auroc(is_anomaly: Flags, numbers: Scores) -> float:
    """The AUROC of a number, turned by the labels so that it is at least 0.5."""
    found = auroc(is_anomaly, numbers)
    return max(found, 1 - found)


def bootstrap_auroc(is_anomaly: Flags, scores: Scores, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the AUROC over 1,000 resamples, normals and anomalies drawn apart."""
    times = bootstrap.drawn(is_anomaly.tolist(), seed)
    low, _, high = bootstrap.interval(bootstrap.aurocs(is_anomaly, scores[None], times)[:, 0])
    return low, high


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
        both = not known.all() and known.any()
        area = auroc(known, scores[used]) if both else None
        found[str(name)] = {"samples": int(mine.sum()), "auroc": area, "mean_score": float(scores[mine].mean())}
        if of_anomalies:
            for rate, named in ((1e-2, "tpr_at_1e2_fpr"), (1e-3, "tpr_at_1e3_fpr")):
                found[str(name)][named] = detection_rate(known, scores[used], rate) if both else None
    return found


def auroc_by_epoch(is_anomaly: Flags, scores: Scores) -> list[float]:
    """The AUROC of each row of scores, [epochs, N]."""
    return [auroc(is_anomaly, row) for row in scores]
