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
        "A threshold that holds calls at most 5 % of the satellites debris in every line. Only the last column takes "
        f"debris. '-': fewer than {conformal.needed(ALPHA)} calibration satellites, of which no p-value is so low.",
        ["choice", "candidate", "protocol", "satellites", "a satellite left out", "debris"],
    )
    for group, protocols in figures.config.choices.items():
        for name in figures.candidates_of(group):
            for protocol in protocols:
                known, debris = _of_test(figures, name, protocols[0], protocol)
                unknown = _of_left_out(figures, name, protocols[0], protocol)
                table.rows.append([group, name, protocol, *(_said(shares) for shares in (known, unknown, debris))])
    return table


def _of_test(figures: Figures, name: str, first: str, protocol: str) -> tuple[list[float], list[float]]:
    """Of the test's satellites and debris, each by split (and by seed of what has several)."""
    known: list[float] = []
    debris: list[float] = []
    for split in figures.splits_of(name):
        truth = figures.outcome.judged[protocol, None, split].is_anomaly
        seeds = range(figures.config.seeds if figures.config.methods[name].seeded else 1)
        for cells in ([Cell(p, None, split, name, seed) for p in (first, protocol)] for seed in seeds):
            calibrated, judged = (figures.outcome.results[cell] for cell in cells)
            called = _called(calibrated, judged.logits[-1])
            known.append(float(called[~truth].mean()))
            debris.append(float(called[truth].mean()))
    return known, debris


def _of_left_out(figures: Figures, name: str, first: str, protocol: str) -> list[float]:
    """Of the satellites that a head was fitted without, by split."""
    found = []
    for split in figures.selection_splits():
        pairs = zip(*(figures.left_out(p, name, None, split) for p in (first, protocol)), strict=True)
        found.append(float(np.mean([_called(a, b.logits[-1][b.normals :]).mean() for a, b in pairs])))
    return found


def _called(calibrated: Result, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
    """Whether each is called debris, 0 or 1; NaN where the calibration is too small for any to be."""
    normal = np.sort(-calibrated.calibration.astype(np.float64))
    if len(normal) < conformal.needed(ALPHA):
        return np.full(len(logits), np.nan)
    return np.array([conformal.p_value(normal, score) <= ALPHA for score in -logits.astype(np.float64)], np.float64)


def _said(shares: list[float]) -> str:
    return f"{spread(shares)} %" if shares and not np.isnan(shares).any() else "-"
