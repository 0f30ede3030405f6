"""The table of what becomes of a satellite that no head has seen: whether debris can be told from it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from train.benchmark import choice
from train.benchmark.cells import Result
from train.benchmark.figures import Figures
from train.benchmark.table import Cell, Table


def unseen_table(figures: Figures) -> Table:
    """Each candidate under each protocol, fitted without one satellite class after another."""
    table = Table(
        "unseen",
        "Debris against a satellite that the head does not know",
        "Each candidate fitted without one satellite class at a time, after its last epoch. AUROC x 100 of the test's "
        "debris against held-back satellites of the classes that it knows, and against those of the class left out: "
        "mean and standard deviation over the classes (each averaged over splits), and the class that is worst. Then "
        "what is called debris where 5 % of the known satellites are: the unknown ones, and the debris. 50 means that "
        "an unknown satellite looks as odd as debris do. None of this has a say in the choice.",
        ["protocol", "candidate", "against known satellites", "against an unknown one", "worst class",
         "unknown called debris", "debris called so"],
    )  # fmt: skip
    for protocol in figures.config.protocols:
        for name in figures.candidates():
            if figures.ran(protocol, name):
                table.rows.append([protocol, name, *_figures(figures, protocol, name)])
    return table


def _figures(figures: Figures, protocol: str, name: str) -> list[Cell]:
    splits = [figures.left_out(protocol, name, None, n) for n in figures.selection_splits()]
    known, unknown, called, found = np.mean([_by_class(results) for results in splits], axis=0)
    names = figures.outcome.groups[protocol, None, 0]
    worst = int(np.argmin(unknown))
    return [
        f"{100 * known.mean():.1f}",
        f"{100 * unknown.mean():.1f} ± {100 * unknown.std():.1f}",
        f"{names[worst]}, {100 * unknown[worst]:.1f}",
        f"{100 * called.mean():.0f} %",
        f"{100 * found.mean():.0f} %",
    ]


def _by_class(results: Sequence[Result]) -> npt.NDArray[np.float64]:
    """Four figures by class left out, float [4, classes], as the table has them."""
    rows = []
    for result in results:
        known, unknown = choice.held_back_and_left_out(result, -1)
        debris = -result.debris[-1]
        rows.append(
            [
                choice.told_apart(known, debris),
                choice.told_apart(unknown, debris),
                choice.called_debris(known, unknown),
                choice.called_debris(known, debris),
            ]
        )
    return np.array(rows).T
