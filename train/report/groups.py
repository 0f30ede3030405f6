"""The tables by satellite class and by kind of debris."""

import numpy as np

from train.report import markup
from train.report.run_folder import Group, Run


def section(run: Run, threshold: float | None) -> str:
    """One table for the satellite classes, one for the kinds of debris; the latter only where there is debris."""
    parts = [_table(run, run.metrics.by_normal_class, False, threshold)]
    if run.metrics.by_anomaly_kind:
        parts.append(_table(run, run.metrics.by_anomaly_kind, True, threshold))
    return "".join(parts)


def _table(run: Run, groups: dict[str, Group], anomalous: bool, threshold: float | None) -> str:
    names = np.array(run.groups, dtype=object)
    columns = ["kind of debris" if anomalous else "satellite class", "images", "AUROC", "called debris"]
    rows: list[list[markup.Cell]] = []
    for name, group in groups.items():
        inside = (run.is_anomaly == anomalous) & (names == name)
        called = None if threshold is None else f"{int((run.scores[inside] >= threshold).sum())} of {group.samples}"
        auroc = None if group.auroc is None else f"{100 * group.auroc:.1f}"
        side = f"{np.median(run.sides[inside]):.0f}" if inside.any() else None
        rows.append([name, group.samples, auroc, called, f"{group.mean_score:.2f}", side])
    caption = ""
    if threshold is not None:
        caption = (
            "Each kind of debris against all satellites" if anomalous else "Each satellite class against all debris"
        )
    return markup.table([*columns, "mean score", "median longer side, px"], rows, caption)
