"""A benchmark's tables of methods, single numbers and classes; and which tables there are."""

import numpy as np

from train import metrics
from train.benchmark.choice_tables import choice_table, detection_table, differences_table, stand_ins_table
from train.benchmark.figures import LABEL_FREE, LABELLED, LAST, Figures, spread
from train.benchmark.run import Outcome
from train.benchmark.table import Cell, Table
from train.benchmark.thresholds import thresholds_table
from train.benchmark.unseen import unseen_table
from train.heads.config import uses_class_names

NAMES = frozenset(
    ("methods", "choice", "stand_ins", "differences", "unseen", "probes", "detection", "classes", "thresholds")
)
"""Of all tables that some configuration has: a table missing here stays beside those of another configuration."""


def build(outcome: Outcome) -> list[Table]:
    """All tables."""
    figures = Figures(outcome)
    found = [methods_table(figures)]
    if figures.candidates() and figures.selection_splits():
        found += [choice_table(figures), stand_ins_table(figures), differences_table(figures)]
    if outcome.config.thresholds:
        found.append(thresholds_table(figures))
    if outcome.config.unseen and figures.candidates():
        found.append(unseen_table(figures))
    found.append(probes_table(figures))
    found.append(detection_table(figures))
    if outcome.config.normal_classes:
        found.append(classes_table(figures))
    return found


def methods_table(figures: Figures) -> Table:
    """Every method under every protocol."""
    config = figures.config
    several = config.seeds > 1 and any(method.seeded for method in config.methods.values())
    seeds = f", and {config.seeds} seeds of heads that are trained by steps" if several else ""
    table = Table(
        "methods",
        "AUROC of each method",
        f"Test AUROC x 100, mean and standard deviation over {config.splits} splits{seeds} (fewer where the "
        "configuration says so). 'best epoch BY LABELS' is the maximum over epochs by the test's labels, the protocol "
        "of the PLUME paper: nobody has these labels in orbit. Candidates of the label-free choice are marked with a "
        "star. A dagger: fitted with the satellites' class names, which are labels too, though of normal data.",
        ["method", "epoch", *config.protocols],
    )
    for name, method in config.methods.items():
        label = name + (" *" if method.candidate else "") + (" †" if uses_class_names(method.head) else "")
        most = max((figures.epochs(p, name) for p in config.protocols if figures.ran(p, name)), default=1)
        kinds = [LAST] if most == 1 else [LAST, LABELLED]
        if most > 1 and method.candidate and figures.selection_splits() and not method.seeded:
            kinds.append(LABEL_FREE)
        for kind in kinds:
            said = {LAST: "last" if most > 1 else "-", LABELLED: f"best of {most} BY LABELS"}.get(kind, kind)
            row = [str(figures.auroc(p, name, kind)) if figures.ran(p, name) else "-" for p in config.protocols]
            table.rows.append([label, said, *row])
    return table


def probes_table(figures: Figures) -> Table:
    """Single numbers."""
    config = figures.config
    table = Table(
        "probes",
        "What single numbers give away",
        "AUROC x 100 of one number alone, turned so that it is above 50 (by the test's labels: no detector could know "
        "which way), mean and standard deviation over splits. A detector is worth what it gives beyond these. "
        "'supervised' is a bound from above: a classifier trained with the labels of the debris.",
        ["number", *config.protocols],
    )
    places = list(figures.outcome.judged)
    for name in figures.outcome.judged[places[0]].probes:
        row: list[Cell] = [name]
        for protocol in config.protocols:
            values = [
                metrics.oriented_auroc(judged.is_anomaly, judged.probes[name])
                for place, judged in figures.outcome.judged.items()
                if place[0] == protocol
            ]
            row.append(str(spread(values)))
        table.rows.append(row)
    return table


def classes_table(figures: Figures) -> Table:
    """By normal class."""
    config = figures.config
    protocol = next(iter(config.protocols))
    table = Table(
        "classes",
        f"AUROC by normal class, {protocol}",
        "x 100, last epoch, mean over splits and seeds; 'mean' is that over the classes.",
        ["method", "epoch", *config.normal_classes, "mean"],
    )
    for name in config.methods:
        if not figures.ran(protocol, name):
            continue
        for kind in (LAST, LABELLED) if figures.epochs(protocol, name) > 1 else (LAST,):
            values = [figures.of_class(protocol, name, c, kind).mean for c in config.normal_classes]
            most = figures.epochs(protocol, name)
            said = {LAST: "last" if most > 1 else "-"}.get(kind, f"best of {most} BY LABELS")
            table.rows.append([name, said, *(f"{v:.1f}" for v in values), f"{np.mean(values):.1f}"])
    return table
