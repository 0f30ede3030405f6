"""The report's two pictures: what became of each frame over time, and how latencies are spread."""

import base64
import io
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from hil_tests.bench.campaign import Campaign
from hil_tests.bench.figures import latencies_ms
from hil_tests.bench.plan import PROCESS_KINDS

_COLOURS = {"ANSWERED": "#2b7bba", "REJECTED": "#e08214", "SKIPPED": "#8c6bb1", "no record": "#c0392b"}
_BANDS = {
    "stop": "#f4d03f", "kill": "#c0392b", "disk_full": "#7dcea0", "disk_full_kill": "#e59866",
    "bundle_corrupt": "#a569bd", "bundle_rot": "#d2b4de", "cpu_hog": "#aab7b8",
    "weight_flip": "#48c9b0", "weight_huge": "#1a5276",
}  # fmt: skip
_LEAST_BAND_S = 0.15


def timeline(campaign: Campaign) -> str:
    """Latency of each frame by its exposure, coloured by its end; faults marked. As a data URL."""
    first_ns = campaign.sent[0].exposure_start_ns
    figure, (upper, lower) = plt.subplots(
        2,
        1,
        figsize=(12, 7.6),
        sharex=True,
        height_ratios=(4, 0.5 + 0.13 * len(_kinds(campaign))),
        layout="constrained",
    )
    points = _points(campaign, first_ns)
    for name, found in points.items():
        if found:
            times, values = zip(*found, strict=True)
            upper.scatter(times, values, s=7, color=_COLOURS[name], label=name, linewidths=0)
    upper.set_yscale("log")
    upper.set_ylabel("exposure to verdict, ms")
    upper.grid(alpha=0.3)
    for kind, colour in _BANDS.items():
        of_kind = [each for each in campaign.recoveries if each.injection.kind == kind]
        for n, each in enumerate(of_kind):
            start = (each.began_ns - first_ns) / 1e9
            end = ((each.answered_ns or each.unblocked_ns) - first_ns) / 1e9
            upper.axvspan(
                start, max(end, start + _LEAST_BAND_S), color=colour, alpha=0.35, lw=0, label=None if n else kind
            )
    upper.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), fontsize=8, frameon=False)
    _marks(lower, campaign, first_ns)
    lower.set_xlabel("time since the first exposure, s")
    return _url(figure)


def histogram(campaign: Campaign, deadline_ms: float) -> str:
    """Latencies of clean frames on a logarithmic count, so that the tail is seen. As a data URL."""
    values = list(latencies_ms(campaign.sent, campaign.history, campaign.nominal).values())
    figure, axes = plt.subplots(figsize=(12, 3.2), layout="constrained")
    if values:
        axes.hist(
            values, bins=np.geomspace(min(values) * 0.95, max(*values, deadline_ms) * 1.1, 80).tolist(), color="#2b7bba"
        )
        for share in (50, 99, 99.9):
            value = float(np.percentile(values, share))
            axes.axvline(value, color="#333333", lw=1, ls=":")
            axes.text(value, 0.98, f" p{share:g}", transform=axes.get_xaxis_transform(), va="top", fontsize=8)
    axes.axvline(deadline_ms, color="#c0392b", lw=1.2)
    axes.text(deadline_ms, 0.5, " deadline", transform=axes.get_xaxis_transform(), color="#c0392b", fontsize=8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.set_xlabel("exposure to verdict, ms (clean frames)")
    axes.set_ylabel("frames")
    axes.grid(alpha=0.3)
    return _url(figure)


def _points(campaign: Campaign, first_ns: int) -> dict[str, list[tuple[float, float]]]:
    points: dict[str, list[tuple[float, float]]] = {name: [] for name in _COLOURS}
    for frame in campaign.sent:
        at_s = (frame.exposure_start_ns - first_ns) / 1e9
        told = next(iter(campaign.history.verdicts.get(frame.frame_id, [])), None)
        if told is not None:
            points[told.status].append((at_s, max((told.received_ns - frame.exposure_start_ns) / 1e6, 0.1)))
        elif not campaign.history.ends(frame.frame_id):
            points["no record"].append((at_s, 1.0))
    return points


def _kinds(campaign: Campaign) -> list[str]:
    return sorted({each.kind for each in campaign.schedule.injections}, key=lambda kind: (kind in PROCESS_KINDS, kind))


def _marks(axes: Any, campaign: Campaign, first_ns: int) -> None:
    """One row for each kind of fault, a mark at each."""
    kinds = _kinds(campaign)
    rows = {kind: n for n, kind in enumerate(kinds)}
    outcomes = {each.injection: each.outcome.value for each in campaign.judged}
    for outcome, colour in (("not tested", "#999999"), ("met", "#1e8449"), ("missed", "#c0392b")):
        found = [each for each in campaign.schedule.injections if outcomes.get(each) == outcome]
        times = [(campaign.sent[each.frame_id].exposure_start_ns - first_ns) / 1e9 for each in found]
        axes.scatter(times, [rows[each.kind] for each in found], marker="|", s=25, color=colour, linewidths=1)
    axes.set_yticks(range(len(kinds)), kinds, fontsize=7)
    axes.grid(alpha=0.2)


def _url(figure: Any) -> str:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
