"""The table of what becomes of a threshold that was set on frames of one kind when frames change."""

import numpy as np
import numpy.typing as npt

from onboard import conformal
from train.benchmark.cells import Cell, Result
from train.benchmark.figures import Figures, spread
from train.benchmark.table import Table

ALPHA = 0.05


def thresholds_table(figures: Figures) -> Table:
    """Each candidate under each protocol of a choice, with p-values from the choice's first protocol."""
    table = Table(
        "thresholds",
        "What becomes of a threshold when frames change",
        f"Share called debris at p <= {ALPHA:g}, after the last epoch, with p-values from the calibration satellites "
        "as the choice's first protocol shows them: of the test's satellites, of a satellite class that the head was "
        "fitted without (mean over the classes left out), and of the debris. Mean and standard deviation over splits. "
        "A threshold that holds calls 5 % of the satellites debris in every line. Only the last column takes debris.",
        ["choice", "candidate", "protocol", "satellites", "a satellite left out", "debris"],
    )
    for group, protocols in figures.config.choices.items():
        for name in figures.candidates_of(group):
            for protocol in protocols:
                shares = _shares(figures, name, protocols[0], protocol)
                said = [f"{spread(values)} %" if values else "-" for values in shares]
                table.rows.append([group, name, protocol, *said])
    return table


def _shares(figures: Figures, name: str, first: str, protocol: str) -> list[list[float]]:
    """Of satellites, satellites left out and debris, each by split (and by seed of what has several)."""
    known: list[float] = []
    unknown: list[float] = []
    debris: list[float] = []
    for split in figures.splits_of(name):
        truth = figures.outcome.judged[protocol, None, split].is_anomaly
        seeds = range(figures.config.seeds if figures.config.methods[name].seeded else 1)
        for cells in ([Cell(p, None, split, name, seed) for p in (first, protocol)] for seed in seeds):
            calibrated, judged = (figures.outcome.results[cell] for cell in cells)
            called = _called(calibrated, judged.logits[-1])
            known.append(float(called[~truth].mean()))
            debris.append(float(called[truth].mean()))
    for split in figures.selection_splits():
        pairs = zip(*(figures.left_out(p, name, None, split) for p in (first, protocol)), strict=True)
        unknown.append(float(np.mean([_called(a, b.logits[-1][b.normals :]).mean() for a, b in pairs])))
    return [known, unknown, debris]


def _called(calibrated: Result, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    normal = np.sort(-calibrated.calibration.astype(np.float64))
    return np.array([conformal.p_value(normal, score) <= ALPHA for score in -logits.astype(np.float64)])
