"""The picture of a validation: measured against promised."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from calibration.coverage import Point
from onboard import files


def coverage(path: Path, found: Mapping[str, Sequence[Point]], about: str) -> None:
    """Write a panel for each disturbance: the measured rate with the splits' range, and the exact band.

    Args:
        path: PNG file.
        found: points by disturbance.
        about: the title.
    """
    columns = 4
    rows = -(-len(found) // columns)
    width, height = 4 * columns, 3.6 * rows  # inches
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), sharex=True, sharey=True, squeeze=False)
    lowest = floor(found)
    for axis, (name, points) in zip(axes.flat, found.items(), strict=False):
        panel(axis, name, points, lowest)
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    for axis in axes.flat:
        axis.label_outer()
    for above in axes.flat[max(0, len(found) - columns) : len(found)]:  # what lies below it may be hidden
        above.xaxis.set_tick_params(labelbottom=True)
        above.set_xlabel("promised false-alarm rate")
    axes.flat[0].legend(fontsize="x-small")
    figure.suptitle(about, fontsize="medium")
    # Margins in inches: to find them by laying out logarithmic axes takes longer than all the drawing.
    figure.subplots_adjust(0.7 / width, 0.6 / height, 1 - 0.15 / width, 1 - 0.75 / height, wspace=0.05, hspace=0.12)
    try:
        with files.whole(path) as beside:
            figure.savefig(beside, dpi=110)
    finally:
        plt.close(figure)


def floor(found: Mapping[str, Sequence[Point]]) -> float:
    """The lowest rate that a panel shows; what lies below stands on it, for a logarithmic axis has no zero."""
    return min(point.expected for points in found.values() for point in points) / 4


def panel(axis: Axes, name: str, points: Sequence[Point], floor: float) -> None:
    """One disturbance: the measured rate with the splits' range, and the exact band."""
    alphas = [point.alpha for point in points]
    shown = [(max(p.measured, floor), max(p.low, floor), max(p.high, floor)) for p in points]
    lows, highs = ([max(p.band[end], floor) for p in points] for end in (0, 1))
    axis.fill_between(alphas, lows, highs, color="0.85", label="exact band, 95 % of splits")
    axis.plot(alphas, alphas, color="0.4", linewidth=1, linestyle="--", label="promised")
    # Not error bars: of a strong disturbance the mean may lie outside of what 95 % of the splits gave.
    axis.vlines(alphas, [low for _, low, _ in shown], [high for _, _, high in shown], color="tab:blue", linewidth=1)
    axis.plot(
        alphas,
        [middle for middle, _, _ in shown],
        marker="o",
        markersize=3,
        linewidth=1,
        color="tab:blue",
        label="measured, 95 % of splits",
    )
    axis.set(title=name, xscale="log", yscale="log", xlabel="promised false-alarm rate", ylabel="measured")
    axis.set_ylim(floor * 0.9, 1.15)
    axis.grid(alpha=0.3)
