"""Plots of an evaluation, as PNG."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display on a server

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_curve

from onboard import files
from train.metrics import Flags, Metrics, Scores

NORMAL, ANOMALY = "#2b6cb0", "#c53030"


def roc(path: Path, is_anomaly: Flags, scores: Scores, found: Metrics, title: str) -> None:
    """The receiver operating characteristic, with the false-alarm rate also on a logarithmic axis."""
    false_rate, true_rate, _ = roc_curve(is_anomaly, scores)
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    low, high = found.auroc_95
    label = f"AUROC {100 * found.auroc:.1f} ({100 * low:.1f} to {100 * high:.1f})"
    for axis in axes:
        axis.plot(false_rate, true_rate, color=ANOMALY, label=label, drawstyle="steps-post")
        axis.set(xlabel="false-alarm rate (satellites called debris)", ylim=(0, 1.02))
        axis.grid(alpha=0.3)
    chance = np.geomspace(1e-4, 1, 200)
    axes[0].plot([0, 1], [0, 1], "--", color="grey", label="chance")
    axes[1].plot(chance, chance, "--", color="grey")
    # Below one false alarm there is nothing to see.
    axes[1].set(xscale="log", xlim=(0.5 / max(1, int((~is_anomaly).sum())), 1))
    axes[0].set(ylabel="detection rate (debris called debris)", xlim=(-0.01, 1))
    axes[0].legend(loc="lower right")
    figure.suptitle(f"{title}: {int((~is_anomaly).sum())} satellites, {int(is_anomaly.sum())} debris")
    save(figure, path)


def score_histogram(path: Path, is_anomaly: Flags, scores: Scores, title: str) -> None:
    """Anomaly scores of normals and anomalies, each normalised to its own count."""
    figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    low, high = np.percentile(scores, [0.5, 99.5])  # a single far score must not squeeze all the others
    bins = np.linspace(low, max(high, low + 1e-6), 41)
    for chosen, colour, name in ((~is_anomaly, NORMAL, "satellites"), (is_anomaly, ANOMALY, "debris")):
        if chosen.any():
            kept = np.clip(scores[chosen], bins[0], bins[-1])
            share = np.full(len(kept), 1 / len(kept))
            axis.hist(kept, list(bins), weights=share, alpha=0.6, color=colour, label=f"{name} ({len(kept)})")
    axis.set(xlabel="anomaly score (higher: more debris-like)", ylabel="share of the images", title=title)
    axis.legend()
    axis.grid(alpha=0.3)
    save(figure, path)


def save(figure: plt.Figure, path: Path) -> None:
    with files.whole(path) as beside:
        figure.savefig(beside, dpi=120)
    plt.close(figure)
