"""The benchmark's plot: every method's AUROC under every protocol, beside the best single number."""

import math
import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from train import metrics
from train.benchmark.figures import LABELLED, LAST, Figures
from train.benchmark.run import Outcome
from train.plots import ANOMALY, NORMAL, plt, save

_ACROSS = 10  # panels that can be read side by side


def methods_plot(path: Path, outcome: Outcome) -> None:
    """A dot for each method, with the standard deviation over splits and seeds, a panel for each protocol.

    Panels stand in rows of ten, or one choice a row where all choices are of one length.
    """
    figures = Figures(outcome)
    names, protocols = list(outcome.config.methods), list(outcome.config.protocols)
    across = min(len(protocols), _across(outcome))
    down = math.ceil(len(protocols) / across)
    size = (2.6 + 1.6 * across, 0.6 + (0.8 + 0.2 * len(names)) * down)
    figure, axes = plt.subplots(down, across, figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axis, protocol in zip(axes.flat, protocols, strict=False):
        _panel(axis, figures, protocol)
    for axis in axes.flat[len(protocols) :]:
        axis.set_visible(False)
    axes[0][0].set_yticks(range(len(names)), names, fontsize=7)
    axes[0][0].invert_yaxis()
    told = "Dashed: the best single number, turned by labels"
    if any(figures.epochs(p, name) > 1 for p in protocols for name in names if figures.ran(p, name)):
        told = f"Filled: last epoch. Hollow: best epoch BY TEST LABELS. {told}"
    figure.suptitle(textwrap.fill(told, int(14 * figure.get_figwidth())), fontsize=9)
    save(figure, path)


def _across(outcome: Outcome) -> int:
    lengths = {len(together) for together in outcome.config.choices.values()}
    if len(lengths) == 1 and 1 < (length := min(lengths)) <= _ACROSS:
        return length
    return _ACROSS


def _panel(axis: Axes, figures: Figures, protocol: str) -> None:
    """One protocol's methods, one below the other."""
    names = list(figures.config.methods)
    for row, name in enumerate(names):
        if not figures.ran(protocol, name):
            continue
        last = figures.auroc(protocol, name, LAST)
        if figures.epochs(protocol, name) > 1:
            labelled = figures.auroc(protocol, name, LABELLED)
            axis.plot([last.mean, labelled.mean], [row, row], color="#bbbbbb", lw=1)
            axis.plot(labelled.mean, row, "o", mfc="none", color=ANOMALY, ms=4)
        axis.errorbar(last.mean, row, xerr=last.deviation, fmt="o", color=NORMAL, ms=4, lw=1)
    judged = [j for place, j in figures.outcome.judged.items() if place[0] == protocol]
    best = figures.best_number(protocol)
    single = np.mean([metrics.oriented_auroc(j.is_anomaly, j.probes[best]) for j in judged])
    axis.axvline(100 * single, color="#888888", ls="--", lw=1)
    axis.set_title(protocol, fontsize=7)
    axis.set_xlabel("AUROC x 100", fontsize=7)
    axis.tick_params(labelsize=7)
    low, high = axis.get_xlim()
    axis.set(xlim=(low, max(high, 100.5)), ylim=(-0.7, len(names) - 0.3))
    axis.grid(axis="x", alpha=0.3)
