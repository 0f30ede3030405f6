"""Score histograms: one row for each satellite class and for each kind of debris, on one axis."""

import math

import numpy as np
import numpy.typing as npt

from train.report.markup import escape, figure
from train.report.run_folder import Run

_BINS, _HEIGHT = 48, 30


def section(run: Run, threshold: float | None) -> str:
    """The rows, satellites first; `threshold` is marked where there is one."""
    low, high = (float(v) for v in np.percentile(run.scores, [0.5, 99.5]))  # one far score must not squeeze the rest
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    high = max(high, low + 1e-6 * max(1.0, abs(low)))  # where all scores are the same
    edges = np.linspace(low, high, _BINS + 1)
    mark = "" if threshold is None else f'<i style="left:{100 * (threshold - low) / (high - low):.2f}%"></i>'
    rows = []
    for anomalous, kind in ((False, "normal"), (True, "anomaly")):
        names = sorted({name for name, is_so in zip(run.groups, run.is_anomaly, strict=True) if is_so == anomalous})
        for name in names:
            inside = (run.is_anomaly == anomalous) & (np.array(run.groups, dtype=object) == name)
            label = f'<span class="{kind}">{escape(name)}</span> <small>{int(inside.sum())}</small>'
            bars = _bars(np.clip(run.scores[inside], low, high), edges)
            rows.append(f'<div class="name">{label}</div><div class="bars {kind}">{bars}{mark}</div>')
    caption = (
        "Anomaly scores (higher: more like debris) of each satellite class (blue) and each kind of debris (red), with "
        "the number of images. Each row is scaled to its own highest bar; scores beyond the ends stand in the last bar."
    )
    if threshold is not None:
        caption += " Dashed: the threshold at 5 % false alarms."
    return figure(f'<div class="ridges">{"".join(rows)}<div></div>{_ticks(low, high)}</div>', caption)


def _bars(scores: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> str:
    counts, _ = np.histogram(scores, edges)
    heights = np.round(counts / counts.max() * (_HEIGHT - 2), 1)
    path = "".join(
        f"M{i} {_HEIGHT}V{_HEIGHT - height:g}h1V{_HEIGHT}z" for i, height in enumerate(heights.tolist()) if height
    )
    # Stretched to the room that there is; the text beside it is not.
    return (
        f'<svg viewBox="0 0 {_BINS} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path d="{path}"/></svg>'
    )


def _ticks(low: float, high: float) -> str:
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    places = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    spans = (f'<span style="left:{100 * (at - low) / (high - low):.2f}%">{at:g}</span>' for at in places)
    return f'<div class="ticks">{"".join(spans)}</div>'
