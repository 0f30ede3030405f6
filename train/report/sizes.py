"""AUROC within bins of box size: what is left of a detector where size cannot help it."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from train import metrics
from train.report import markup
from train.report.chart import Axis, Chart, percent_axis
from train.report.run_folder import Run

_ENOUGH = 10


@dataclass(frozen=True)
class Bin:
    """Samples whose box's longer side is at least `low` and below `high` px; no figures where a class is lacking."""

    low: float
    high: float
    normals: int
    anomalies: int
    auroc: float | None
    interval: tuple[float, float] | None
    """None also where either class has too few images for a bootstrap to know how far off the AUROC may be."""

    @property
    def name(self) -> str:
        return f"{self.low:g}-{self.high:g}"


def bins(run: Run) -> list[Bin]:
    """One bin for each doubling of the box's longer side, from the smallest box to the largest."""
    # Doublings are doublings of the distance, whatever the data set.
    octaves = np.floor(np.log2(np.maximum(run.sides, 1))).astype(int)
    found = []
    for octave in range(int(octaves.min()), int(octaves.max()) + 1):
        inside = octaves == octave
        truth, scores = run.is_anomaly[inside], run.scores[inside]
        counts = int((~truth).sum()), int(truth.sum())
        both = min(counts) > 0
        auroc = float(roc_auc_score(truth, scores)) if both else None
        interval = metrics.bootstrap_auroc(truth, scores) if both and min(counts) >= _ENOUGH else None
        found.append(Bin(2.0**octave, 2.0 ** (octave + 1), *counts, auroc, interval))
    return found


def section(run: Run) -> str:
    """Plot, table and what box size alone gives away; needs satellites and debris."""
    found = bins(run)
    rows = [[f"{b.name} px", b.normals, b.anomalies, _figure(b)] for b in found]
    table = markup.table(["longer side of the box", "satellites", "debris", "AUROC (95 % interval)"], rows)
    said = [markup.paragraph(text) for text in (_size_alone(run), _within(found))]
    caption = (
        "AUROC among the images of each bin of box size, with its 95 % interval; below them the numbers of "
        "satellites + debris. "
        f"Hollow, without an interval: fewer than {_ENOUGH} of either. No dot: one of the two is lacking."
    )
    return f'{"".join(said)}<div class="pair">{markup.figure(_chart(found), caption)}{table}</div>'


def _size_alone(run: Run) -> str:
    alone = float(roc_auc_score(run.is_anomaly, run.sides))
    rule = "larger" if alone >= 0.5 else "smaller"
    return (
        f"Box size itself may separate the classes: the longer side alone, without any detector, reaches an AUROC of "
        f"{100 * max(alone, 1 - alone):.1f} (50 says nothing) by the rule “{rule} is debris”. "
        f"The detector reaches {100 * float(roc_auc_score(run.is_anomaly, run.scores)):.1f} over all images."
    )


def _within(found: list[Bin]) -> str:
    pairs = [(b.normals * b.anomalies, b.auroc) for b in found if b.auroc is not None]
    total = sum(number for number, _ in pairs)
    everything = sum(b.normals for b in found) * sum(b.anomalies for b in found)
    if not total:
        return "No bin holds both satellites and debris, so nothing can be said about images of like size."
    mean = sum(number * auroc for number, auroc in pairs) / total
    return (
        f"Among pairs of a satellite and a piece of debris from the same bin, the debris scores higher in "
        f"{100 * mean:.1f} % of {total} pairs ({100 * total / everything:.1f} % of all pairs are such)."
    )


def _figure(found: Bin) -> str | None:
    if found.auroc is None:
        return None
    if found.interval is None:
        return f"{100 * found.auroc:.1f} (few images)"
    low, high = found.interval
    return f"{100 * found.auroc:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _chart(found: list[Bin]) -> str:
    lows = [b.interval[0] if b.interval else b.auroc for b in found if b.auroc is not None]
    y = percent_axis(math.floor(10 * min([0.5, *lows])) / 10, "AUROC")
    ticks = [(i + 0.5, f"{b.name}\n{b.normals} + {b.anomalies}") for i, b in enumerate(found)]
    chart = Chart(Axis(0, len(found), ticks, "longer side, px"), y, "AUROC by size of the box")
    chart.line([(0, 0.5), (len(found), 0.5)], "chance")
    for i, b in enumerate(found):
        if b.interval is not None:
            chart.line([(i + 0.5, b.interval[0]), (i + 0.5, b.interval[1])], "line s0")
        if b.auroc is not None:
            chart.dot(i + 0.5, b.auroc, "dot s0" if b.interval else "dot few s0")
    return chart.svg()
