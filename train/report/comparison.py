"""The page's first section where several runs are given: their figures and curves side by side."""

from train.report import markup, roc
from train.report.chart import series
from train.report.run_folder import Run

_COLUMNS = [
    "run", "satellites", "debris", "AUROC", "95 % interval", "AUPR", "found at 5 % false alarms",
    "best epoch BY TEST LABELS, AUROC",
]  # fmt: skip


def section(runs: list[tuple[str, Run]]) -> str:
    """A table of the runs, and one ROC plot of all that have one."""
    curves = [(i, roc.curve(run.is_anomaly, run.scores)) for i, (_, run) in enumerate(runs)]
    drawn = [(i, curve) for i, curve in curves if curve is not None]
    parts = [markup.table(_COLUMNS, [_row(i, name, run) for i, (name, run) in enumerate(runs)])]
    if len({frozenset(zip(run.keys, run.is_anomaly.tolist(), strict=True)) for _, run in runs}) > 1:
        text = "These runs were not tested on the same images: their figures and curves cannot be compared directly."
        parts.append(f'<p class="by-labels">{markup.escape(text)}</p>')
    if drawn:
        caption = "ROC curves, of the last epoch where there are some, coloured as in the table; dashed grey: chance."
        parts.append(markup.figure(roc.charts(drawn), caption))
    return "".join(parts)


def _row(i: int, name: str, run: Run) -> list[markup.Cell]:
    test, last, best = run.metrics.test, run.metrics.last_epoch, run.metrics.labelled_best_epoch
    counts = test["normal"], test["anomalous"]
    if last is None:
        return [name, *counts, None, None, None, None, None]
    key = f'<svg class="key" viewBox="0 0 26 10" aria-hidden="true"><path class="{series(i)}" d="M0 5H26"/></svg>'
    start: list[markup.Cell] = [markup.Markup(f'<span class="run">{key}{markup.escape(name)}</span>'), *counts]
    low, high = (f"{100 * value:.1f}" for value in last.auroc_95)
    figures = [
        f"{100 * last.auroc:.1f}",
        f"{low} to {high}",
        f"{100 * last.aupr:.1f}",
        f"{100 * last.tpr_at_5_fpr:.1f} %",
    ]
    labelled = f"{100 * best.auroc:.1f} (of {best.of_epochs})" if best and run.has_epochs else None
    return [*start, *figures, labelled]
