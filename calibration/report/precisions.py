"""Float32, float16 and int8 side by side: figures, scores, and which layers mind being int8."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from calibration.report.found import Found
from calibration.report.page import Cell, details, figure, missing, paragraph, table
from calibration.report.pictures import DEBRIS, NORMAL, SOFT, picture
from onboard.normal_scores import DEFAULT_RATE, NormalScores

_ROW_INCHES = 0.17


def section(found: Found) -> str:
    """The table, the scores' distributions and the sensitivity of layers."""
    told, own = found.int8, found.bundle.manifest.conversion
    parts = []
    if told is None:
        said = "An int8 graph was not made of this bundle, so precisions are not compared."
        if found.bundle.manifest.precision != "fp32":
            said = "This bundle was converted; its float bundle's report compares precisions, where 'int8' was run."
        parts.append(missing(said, found.command("int8", "--fp16 HALF --report DEBRIS")))
        parts.append(_own_scores(found))
    else:
        parts += [_table(found, told), _scores(told["precisions"])]
    facts = told or own
    if facts.get("sensitivity"):
        parts.append(_sensitivity(facts))
    return "".join(parts)


def _table(found: Found, told: dict[str, Any]) -> str:
    rows: list[list[Cell]] = []
    for one in told["precisions"]:
        middle, low, high = one["fp32_over_it"]
        changed = None
        if one["changed"] is not None:
            changed = ", ".join(
                f"{c['changed']} at {c['alpha']:g}" if c["alarms"] else f"not seen at {c['alpha']:g}"
                for c in one["changed"]
            )
        auroc = None if one["auroc"] is None else f"{100 * one['auroc']:.2f}"
        row = [one["name"], f"{one['bytes'] / 1e6:.1f}", f"{one['ms_median']:.2f}"]
        rows.append([*row, f"{middle:.2f} ({low:.2f} to {high:.2f})", auroc, one["score_threshold"], changed])
    columns = ["graph", "MB", "ms, median", "times faster (5 to 95 %)", "AUROC", f"score above, alpha {told['rate']:g}"]
    said = (
        f"Scored on normal frames that were not kept back; alarm decisions on the {told['frames']} that were. Latency "
        "in ONNX Runtime on one CPU thread, by turns: it says nothing of a GPU, which gains by float16, too."
    )
    parts = [table([*columns, "alarms changed"], rows), paragraph(said, "soft")]
    names = {one["name"] for one in told["precisions"]}
    if "fp16" not in names:
        parts.append(missing("Float16 was not compared.", found.command("int8", "--fp16 HALF --out OTHER")))
    if all(one["auroc"] is None for one in told["precisions"]):
        parts.append(missing("The AUROC was not measured.", found.command("int8", "--report DEBRIS --out OTHER")))
    return "".join(parts)


def _scores(precisions: list[dict[str, Any]]) -> str:
    every = np.concatenate([one[kind] for one in precisions for kind in ("scores", "debris_scores") if one[kind]])
    # One far score must not squeeze the rest.
    low, high = np.percentile(every, [0.5, 99]).tolist()
    edges = np.linspace(low, max(high, low + 1e-6), 41)
    drawn = [
        picture(
            lambda axis, one=one: _histogram(  # type: ignore[misc]
                axis, one["name"], one["scores"], one["debris_scores"], one["score_threshold"], edges
            ),
            (3.5, 2.2),
            f"{one['name']}: distribution of the anomaly scores",
        )
        for one in precisions
    ]
    caption = (
        "Anomaly scores of normal frames (blue) and debris (red, where given), each as shares of its own; dashed: the "
        "frame threshold. What lies beyond the ends stands in the last bar."
    )
    return "<h3>Scores by precision</h3>" + figure(drawn, caption)


def _own_scores(found: Found) -> str:
    normal = NormalScores.of(found.bundle)
    if normal is None:
        return ""
    scores = np.concatenate(normal.groups).astype(float)
    edges = np.linspace(scores.min(), max(scores.max(), scores.min() + 1e-6), 41)
    frame = found.bundle.manifest.calibration.frame if found.bundle.manifest.calibration else None
    limit = frame.groups[0].score_threshold if frame is not None and len(frame.groups) == 1 else None
    name = found.bundle.manifest.precision
    drawn = picture(
        lambda axis: _histogram(axis, name, scores.tolist(), None, limit, edges),
        (4.5, 2.4),
        f"{name}: distribution of the anomaly scores",
    )
    told = f"dashed: the threshold at {frame.false_alarm_rate:g}" if frame and limit is not None else ""
    told = told or f"no single threshold to draw (the node's default rate is {DEFAULT_RATE:g})"
    return "<h3>Scores</h3>" + figure([drawn], f"Anomaly scores of the bundle's {len(scores)} normal frames; {told}.")


def _histogram(
    axis: Axes, name: str, normal: list[float], debris: list[float] | None, limit: float | None, edges: np.ndarray
) -> None:
    for values, colour, label in ((normal, NORMAL, "normal"), (debris, DEBRIS, "debris")):
        if values:
            inside = np.clip(values, edges[0], edges[-1])
            shares = np.full(len(values), 1 / len(values))
            axis.hist(inside, edges.tolist(), weights=shares, color=colour, alpha=0.55, label=f"{label}, {len(values)}")
    if limit is not None:
        axis.axvline(limit, color=SOFT, linestyle="--", linewidth=1)
    axis.set(title=name, xlabel="anomaly score", ylabel="share of frames")
    axis.legend()


def _sensitivity(facts: dict[str, Any]) -> str:
    moved, kept = facts["sensitivity"], facts["kept_in_float32"]
    names = list(moved)

    def draw(axis: Axes) -> None:
        places = np.arange(len(names))
        floor = max(min(moved.values()), max(moved.values()) * 1e-6, 1e-9) / 2
        colours = [DEBRIS if name in kept else NORMAL for name in names]
        axis.barh(places, [max(value, floor) for value in moved.values()], color=colours, height=0.75)
        axis.set_yticks(places, [name[-46:] for name in names], fontsize=6.5)
        axis.set(xscale="log", xlabel="mean change of the logit with this layer alone in int8", xlim=(floor, None))
        axis.invert_yaxis()
        axis.margins(y=0.01)

    drawn = picture(draw, (7, 0.7 + _ROW_INCHES * len(names)), "sensitivity of each layer to int8")
    caption = (
        f"Red: the {len(kept)} most sensitive layers, left in float; blue: the {len(facts['quantised'])} in int8 "
        f"({facts['method']}). With all of these the logit moves by at most {facts['logit_change']:.3g}; its own "
        f"spread over normal frames is {facts['logit_spread']:.3g}."
    )
    rows = [[name, value, "float" if name in kept else "int8"] for name, value in moved.items()]
    listed = details("All layers as a table", table(["layer", "mean change of the logit", "computes in"], rows))
    return "<h3>Sensitivity of layers to int8</h3>" + figure([drawn], caption, wide=True) + listed
