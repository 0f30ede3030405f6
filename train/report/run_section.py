"""The page's section about one evaluated run."""

import numpy as np

from onboard import strict_yaml
from train.report import groups, histograms, markup, pictures, roc, sizes
from train.report.chart import Axis, Chart, percent_axis
from train.report.run_folder import MISTAKES, Figures, Run, remedy

_RATES = (0.001, 0.01, 0.05, 0.1, 0.2)
_LISTED = 16  # as many of each as the sheet of mistakes shows


def section(run: Run, number: int) -> str:
    """Figures, curves, mistakes, and where it all comes from; `number` chooses the colour of the curve.

    Raises:
        InputError: the sheet of mistakes is missing or damaged.
    """
    test, last = run.metrics.test, run.metrics.last_epoch
    curve = roc.curve(run.is_anomaly, run.scores) if last else None
    threshold = curve.at(0.05)[1] if curve else None
    parts = [markup.paragraph(f"{run.folder}. Test part: {_counts(test)}.", "soft")]
    if last is None or curve is None:
        parts.append(markup.paragraph("Satellites and debris are both needed for an AUROC, so there is none here."))
    else:
        parts += [_tiles(last, run), _rates(curve), _labelled(run)]
        parts.append(f"<h3>ROC curve{_of_last(run)}</h3>" + roc.charts([(number, curve)]))
    parts.append("<h3>Scores by class</h3>" + histograms.section(run, threshold))
    if last is not None:
        parts.append("<h3>AUROC against crop size</h3>" + sizes.section(run))
    parts.append("<h3>By class</h3>" + groups.section(run, threshold))
    if threshold is not None:
        note = "Called debris: at the threshold that leaves at most 5 % false alarms among all satellites of the test."
        parts.append(markup.paragraph(note, "soft"))
    parts.append("<h3>Worst mistakes</h3>" + _mistakes(run))
    evaluated = strict_yaml.dump(run.metrics.provenance)
    parts.append("<h3>Where this comes from</h3>")
    parts.append(markup.details("Configuration", markup.source(run.config)))
    parts.append(markup.details("Provenance of the fit", markup.source(run.provenance)))
    parts.append(markup.details("Provenance of the evaluation", markup.source(evaluated)))
    return "".join(parts)


def _counts(test: dict[str, int]) -> str:
    return f"{test['normal']} satellites, {test['anomalous']} debris"


def _tiles(last: Figures, run: Run) -> str:
    low, high = (100 * value for value in last.auroc_95)
    share = 100 * float(np.mean(run.is_anomaly))
    tiles = [
        (f"{100 * last.auroc:.1f}", f"AUROC{_of_last(run)}", f"95 % interval {low:.1f} to {high:.1f}"),
        (f"{100 * last.aupr:.1f}", f"AUPR{_of_last(run)}", f"chance is {share:.1f}, the share of debris"),
        (f"{100 * last.tpr_at_5_fpr:.1f} %", "debris found", "at 5 % false alarms"),
        (f"{100 * last.fpr_at_95_tpr:.1f} %", "false alarms", "where 95 % of the debris are found"),
    ]
    return '<div class="tiles">{}</div>'.format(
        "".join(
            f'<div class="tile"><b>{figure}</b><span>{name}</span><small>{more}</small></div>'
            for figure, name, more in tiles
        )
    )


def _of_last(run: Run) -> str:
    return ", last epoch" if run.has_epochs else ""


def _rates(curve: roc.Curve) -> str:
    rows: list[list[markup.Cell]] = []
    for rate in _RATES:
        found, _ = curve.at(rate)
        most = int(rate * curve.normals + 1e-9)
        rows.append(
            [f"{100 * rate:g} %", most, f"{100 * found:.1f} %", f"{found * curve.anomalies:.0f} of {curve.anomalies}"]
        )
    caption = "Debris found at given rates of false alarms. The thresholds come from the test's own satellites."
    return markup.table(["false alarms at most", "satellites", "debris found", "images"], rows, caption)


def _labelled(run: Run) -> str:
    """The paper's protocol, set apart from everything else so that nobody takes it for what flies."""
    best = run.metrics.labelled_best_epoch
    if best is None or best.epoch is None or not run.has_epochs:
        return ""
    low, high = (100 * value for value in best.auroc_95)
    said = (
        f"AUROC {100 * best.auroc:.1f} ({low:.1f} to {high:.1f}) at epoch {best.epoch} of {best.of_epochs}: the epoch "
        "was picked with the labels of the very images that it is measured on. This is the paper's protocol, shown for "
        "comparison; it is not a figure to expect in flight."
    )
    text = f"<p><strong>Best epoch, CHOSEN BY TEST LABELS.</strong> {markup.escape(said)}</p>"
    return f'<div class="by-labels">{text}{markup.details("AUROC by epoch", _by_epoch(best))}</div>'


def _by_epoch(best: Figures) -> str:
    curve = best.auroc_by_epoch
    if len(curve) < 2 or best.epoch is None:
        return markup.paragraph("There is one epoch only.")
    step = max(1, round(len(curve) / 6))
    ticks = [(float(i), str(i)) for i in range(step, len(curve) + 1, step)]
    chart = Chart(Axis(1, len(curve), ticks, "epoch"), percent_axis(min(curve), "AUROC"), "AUROC by epoch")
    chart.line(enumerate(curve, start=1), "line s0")
    chart.dot(len(curve), curve[-1], "dot s0")
    chart.dot(best.epoch, best.auroc, "dot labelled")
    caption = (
        "Filled: the last epoch, which flies. Hollow: the best by test labels. Nothing was chosen from this curve."
    )
    return f'<div class="pair">{markup.figure(chart.svg(), caption)}</div>'


def _mistakes(run: Run) -> str:
    path = run.folder / MISTAKES
    sheet = pictures.embed(path, "Crops of the worst mistakes; the list below names them", remedy(run.folder))
    order = np.argsort(run.scores, kind="stable")
    alarms = [int(i) for i in order[::-1] if not run.is_anomaly[i]][:_LISTED]
    misses = [int(i) for i in order if run.is_anomaly[i]][:_LISTED]
    columns = ["image", "class", "score", "longer side, px"]
    tables = [
        markup.table(columns, [_named(run, i) for i in chosen], caption)
        for chosen, caption in ((alarms, "Satellites most like debris"), (misses, "Debris most like satellites"))
        if chosen
    ]
    caption = "Worst first: satellites most like debris (blue), debris most like satellites (red)."
    shown = markup.figure(f'<div class="scroll wide">{sheet}</div>', caption)
    listed = "".join(tables)
    return shown + markup.details("The same as a list", f'<div class="pair">{listed}</div>')


def _named(run: Run, i: int) -> list[markup.Cell]:
    return [run.keys[i], run.groups[i], f"{run.scores[i]:+.2f}", f"{run.sides[i]:.0f}"]
