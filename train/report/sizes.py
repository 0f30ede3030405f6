"""AUROC within bins of box size: what is left of a detector where size cannot help it."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from train import metrics
from train.report import markup
from train.report.chart import Axis, Chart, percent_axis
from train.report.run_folder import Run


@dataclass(frozen=True)
class Bin:
    """Samples whose box's longer side is at least `low` and below `high` px; no figures where a class is lacking."""

    low: float
    high: float
    normals: int
    anomalies: int
    auroc: float | None
    interval: tuple[float, float] | None

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
        both = bool(truth.any()) and not bool(truth.all())
        auroc = float(roc_auc_score(truth, scores)) if both else None
        interval = metrics.bootstrap_auroc(truth, scores) if both else None
        found.append(Bin(2.0**octave, 2.0 ** (octave + 1), int((~truth).sum()), int(truth.sum()), auroc, interval))
    return found


def section(run: Run) -> str:
    """Plot, table and what box size alone gives away; needs satellites and debris."""
    found = bins(run)
    rows = [[f"{b.name} px", b.normals, b.anomalies, _figure(b)] for b in found]
    table = markup.table(["longer side of the box", "satellites", "debris", "AUROC (95 % interval)"], rows)
    said = [markup.paragraph(text) for text in (_size_alone(run), _within(found))]
    caption = (
        "AUROC among the images of each bin of box size, with its 95 % interval; below each bin the numbers of "
        "satellites + debris. No dot: the bin holds only one of the two."
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
    if found.auroc is None or found.interval is None:
        return None
    low, high = found.interval
    return f"{100 * found.auroc:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _chart(found: list[Bin]) -> str:
    lows = [b.interval[0] for b in found if b.interval]
    y = percent_axis(math.floor(10 * min([0.5, *lows])) / 10, "AUROC")
    ticks = [(i + 0.5, f"{b.name}\n{b.normals} + {b.anomalies}") for i, b in enumerate(found)]
    chart = Chart(Axis(0, len(found), ticks, "longer side, px"), y, "AUROC by size of the box")
    chart.line([(0, 0.5), (len(found), 0.5)], "chance")
    for i, b in enumerate(found):
        if b.auroc is not None and b.interval is not None:
            chart.line([(i + 0.5, b.interval[0]), (i + 0.5, b.interval[1])], "line s0")
            chart.dot(i + 0.5, b.auroc, "dot s0")
    return chart.svg()
