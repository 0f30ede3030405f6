"""The benchmark's plot: every method's AUROC under every protocol, beside the best single number."""

import textwrap
from pathlib import Path

import numpy as np

from train import metrics
from train.benchmark.figures import LABELLED, LAST, Figures
from train.benchmark.run import Outcome
from train.plots import ANOMALY, NORMAL, plt, save


def methods_plot(path: Path, outcome: Outcome) -> None:
    """A dot for each method, with the standard deviation over splits and seeds, a panel for each protocol."""
    figures = Figures(outcome)
    names = list(outcome.config.methods)
    protocols = list(outcome.config.protocols)
    figure, axes = plt.subplots(
        1, len(protocols), figsize=(2.6 + 1.6 * len(protocols), 1.4 + 0.2 * len(names)), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axis, protocol in zip(axes[0], protocols, strict=True):
        for row, name in enumerate(names):
            if not figures.ran(protocol, name):
                continue
            last = figures.auroc(protocol, name, LAST)
            if figures.epochs(protocol, name) > 1:
                labelled = figures.auroc(protocol, name, LABELLED)
                axis.plot([last.mean, labelled.mean], [row, row], color="#bbbbbb", lw=1)
                axis.plot(labelled.mean, row, "o", mfc="none", color=ANOMALY, ms=4)
            axis.errorbar(last.mean, row, xerr=last.deviation, fmt="o", color=NORMAL, ms=4, lw=1)
        judged = [j for place, j in outcome.judged.items() if place[0] == protocol]
        best = figures.best_number(protocol)
        single = np.mean([metrics.oriented_auroc(j.is_anomaly, j.probes[best]) for j in judged])
        axis.axvline(100 * single, color="#888888", ls="--", lw=1)
        axis.set_title(protocol, fontsize=7)
        axis.set_xlabel("AUROC x 100", fontsize=7)
        low, high = axis.get_xlim()
        axis.set(xlim=(low, max(high, 100.5)), ylim=(-0.7, len(names) - 0.3))
        axis.grid(axis="x", alpha=0.3)
    axes[0][0].set_yticks(range(len(names)), names, fontsize=7)
    axes[0][0].invert_yaxis()
    told = "Dashed: the best single number, turned by labels"
    if any(figures.epochs(p, name) > 1 for p in protocols for name in names if figures.ran(p, name)):
        told = f"Filled: last epoch. Hollow: best epoch BY TEST LABELS. {told}"
    figure.suptitle(textwrap.fill(told, int(14 * figure.get_figwidth())), fontsize=9)
    save(figure, path)
