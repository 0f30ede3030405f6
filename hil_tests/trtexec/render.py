"""A report as Markdown, and as a plot."""

from pathlib import Path
from typing import Any

from hil_tests.trtexec.figures import KINDS, STATISTICS
from onboard import files


def markdown(result: dict[str, Any]) -> str:
    """Tables of what `report` gives; `-` for what a log does not say."""
    sections = [_one("Report", result)]
    if "pose" in result:
        sections.append(_one("Pose network alone", result["pose"]))
    if "marginal" in result:
        cost = result["marginal"]
        sections.append(
            f"## Marginal cost of the debris head\n{_cell(cost['ms'])} ms, {_cell(cost['percent'])} % "
            f"(median GPU compute time). Settings not known of both: {', '.join(cost['unknown_settings']) or 'none'}\n"
        )
    if "times" in result:
        sections.append("## Times\n" + ", ".join(f"{k} {_cell(v)}" for k, v in result["times"].items()) + "\n")
    if "head" in result:
        head = result["head"]
        rows = "\n".join(f"| {name} | {_cell(ms)} |" for name, ms in head["layers"].items())
        share = f"{_cell(head['ms'])} of {_cell(head['all_layers_ms'])} ms, {_cell(head['percent'])} %"
        sections.append(f"## Head's share by layer\n{share}\n\n| layer | ms |\n|---|---|\n{rows}\n")
    return "\n".join(sections)


def _one(title: str, plain: dict[str, Any]) -> str:
    told = ", ".join(f"{key} {_cell(value)}" for key, value in plain.items() if not isinstance(value, dict | list))
    names = list(dict.fromkeys([*STATISTICS, *(name for kind in KINDS.values() for name in plain[kind])]))
    rows = [f"| {kind} | " + " | ".join(_cell(plain[kind].get(n)) for n in names) + " |" for kind in KINDS.values()]
    table = "\n".join(["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|", *rows])
    warnings = "".join(f"\nwarning: {warning}\n" for warning in plain["warnings"])
    return f"## {title}\n{told}\n\n{table}\n{warnings}"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def plot(result: dict[str, Any], path: Path) -> None:
    """Latency and GPU compute statistics of each report, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = ("min", "median", "mean", "p90", "p95", "p99")
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for title, plain in [("report", result), *([("pose alone", result["pose"])] if "pose" in result else [])]:
        for kind, style in (("latency_ms", "o-"), ("gpu_compute_ms", "s--")):
            values = [float("nan") if plain[kind].get(name) is None else plain[kind][name] for name in names]
            axes.plot(names, values, style, label=f"{title}: {kind.removesuffix('_ms').replace('_', ' ')}")
    axes.set_ylabel("ms")
    axes.grid(alpha=0.3)
    axes.legend()
    with files.whole(path) as beside:
        figure.savefig(beside, dpi=120)
    pyplot.close(figure)
