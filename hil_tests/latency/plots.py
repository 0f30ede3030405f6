"""Distributions as pictures: a histogram whose tail is seen, and the share of calls that take longer, by condition."""

import base64
import io
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt

from hil_tests.latency.measured import Measured

_COLOURS = {"warm": "#2b7bba", "paced": "#1e8449", "loaded": "#e08214", "cold": "#8c6bb1"}
_PARTS = {
    "camera": "#bbbbbb", "read": "#8c6bb1", "find": "#a569bd", "window": "#1e8449", "infer": "#2b7bba",
    "link": "#e08214",
}  # fmt: skip
Curves = dict[str, list[float]]


def distributions(found: Measured, window: str | None) -> str | None:
    """A row for each window size of the engine alone, for the node's engine call, and end to end. As a data URL.

    None where a node elsewhere answered nothing: then there is no row.
    """
    rows = _rows(found)
    if not rows:
        return None
    if found.trtexec is not None and window is not None and found.trtexec.stages:
        whose = "trtexec latency" + ("" if found.comparable else ", ANOTHER MACHINE")
        rows.get(f"engine alone, {window} px", {})[whose] = found.trtexec.stages["latency"]
    figure, grid = plt.subplots(len(rows), 2, figsize=(12, 0.6 + 2.7 * len(rows)), layout="constrained", squeeze=False)
    for (left, right), (name, curves) in zip(grid, rows.items(), strict=True):
        _histogram(left, curves)
        _tail(right, curves)
        left.set_title(name, loc="left", fontsize=10)
        right.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    grid[-1][0].set_xlabel("ms")
    grid[-1][1].set_xlabel("ms")
    return _url(figure)


def parts(found: Measured) -> str:
    """Means of what a frame's time is made of, by condition; means, for only these add up. As a data URL."""
    conditions = [name for name, times in found.node.items() if times.frames]
    figure, axes = plt.subplots(figsize=(12, 0.9 + 0.45 * len(conditions)), layout="constrained")
    left = np.zeros(len(conditions))
    for part, colour in _PARTS.items():
        widths = np.array([float(np.mean(found.node[name].of(part))) for name in conditions])
        if widths.any():
            axes.barh(conditions, widths, left=left, color=colour, label=part, height=0.6)
        left = left + widths
    axes.invert_yaxis()
    axes.set_xlabel("exposure to verdict, mean ms")
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.05))
    return _url(figure)


def _rows(found: Measured) -> dict[str, Curves]:
    rows: dict[str, Curves] = {}
    for condition, sizes in found.engine.items():
        for size, times in sizes.items():
            rows.setdefault(f"engine alone, {size} px", {})[condition] = times.calls
    for name, stage in (("node: infer", "infer"), ("end to end", "end_to_end")):
        curves = {condition: times.of(stage) for condition, times in found.node.items() if times.frames}
        if curves:
            rows[name] = curves
    return rows


def _histogram(axes: Any, curves: Curves) -> None:
    """Counts on a logarithmic scale, steps on a logarithmic axis of times."""
    everything = [ms for values in curves.values() for ms in values]
    bins = np.geomspace(min(everything) * 0.97, max(everything) * 1.03, 60)
    for name, values in curves.items():
        axes.hist(values, bins=bins.tolist(), histtype="step", color=_colour(name), lw=1.3)
    axes.set_yscale("log")
    axes.set_ylabel("count")
    _scale(axes)


def _tail(axes: Any, curves: Curves) -> None:
    """The share of values above each one, down to one of them all."""
    for name, values in curves.items():
        times = np.sort(values)
        share: npt.NDArray[np.float64] = 1 - np.arange(len(times)) / len(times)
        axes.step(times, share, where="post", color=_colour(name), lw=1.3, label=f"{name} ({len(times)})")
    axes.set_yscale("log")
    axes.set_ylabel("share that takes longer")
    _scale(axes)


def _scale(axes: Any) -> None:
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(numticks=6))
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = np.geomspace(low, high, 7)[1:-1]
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks], fontsize=8)
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.grid(alpha=0.3)


def _colour(name: str) -> str:
    return _COLOURS.get(name, "#333333")


def _url(figure: Any) -> str:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
