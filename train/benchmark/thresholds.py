"""The table of what becomes of a threshold that was set on frames of one kind when frames change."""

import numpy as np
import numpy.typing as npt
from scipy.stats import betabinom

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
        "as the choice's first protocol shows them: of the test's satellites and debris, mean and standard deviation "
        "over splits (and seeds of heads that are trained by steps); between them of satellites of a kind that the "
        f"head was fitted without, over the splits of the choice (first seed). {_chance(figures)} Only the last column "
        f"takes debris. '-': nothing is left out, or of fewer than {conformal.needed(ALPHA)} calibration satellites, "
        "none of whose p-values is so low.",
        ["choice", "candidate", "protocol", "satellites", "satellites left out", "debris"],
    )
    for group, protocols in figures.config.choices.items():
        for name in figures.candidates_of(group):
            for protocol in protocols:
                known, debris = _of_test(figures, name, protocols[0], protocol)
                unknown = _of_left_out(figures, name, protocols[0], protocol)
                table.rows.append([group, name, protocol, *(_said(shares) for shares in (known, unknown, debris))])
    return table


def _chance(figures: Figures) -> str:
    """What a threshold that holds gives in one split: the count of alarms is beta-binomial."""
    place, judged = next(iter(figures.outcome.judged.items()))
    results = figures.outcome.results
    calibrated = len(next(r.calibration for c, r in results.items() if c.split == place[2] and c.left_out is None))
    tested = int((~judged.is_anomaly).sum())
    if not (rank := conformal.rank(calibrated, ALPHA)):
        return ""
    low, high = betabinom(tested, rank, calibrated + 1 - rank).interval(0.95)
    return (
        f"Of {calibrated} calibration and {tested} test satellites, a threshold that holds calls "
        f"{100 * low / tested:.0f} to {100 * high / tested:.0f} % of the satellites debris in 95 of 100 splits, "
        f"{100 * rank / (calibrated + 1):.1f} % on average."
    )


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
