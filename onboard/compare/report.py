"""The comparison as a table, and its verdict."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from onboard.compare.frames import Compared
from onboard.compare.outputs import JUDGED, PoseOutput

_STATISTICS = {"median": 50, "p95": 95, "p99": 99, "max": 100}
_MB = {"file_bytes": "files", "weights_bytes": "weights", "host_bytes": "host memory", "device_bytes": "device memory"}


def statistics(found: Compared, kinds: Mapping[str, PoseOutput], limits: Mapping[str, float]) -> dict[str, Any]:
    """For each output its kind, the statistics of each figure, and whether its largest is within the kind's limit."""
    outputs = {}
    for name, frames in found.figures.items():
        kind = kinds.get(name, PoseOutput()).kind
        figures = {unit: _of([frame[unit] for frame in frames]) for unit in frames[0]}
        limit = limits.get(kind)
        largest = figures[JUDGED[kind]]["max"]
        outputs[name] = {
            "kind": kind,
            "figures": figures,
            "bit_identical": found.identical[name],
            "limit": limit,
            "passed": None if limit is None else bool(largest is not None and largest <= limit),
        }
    return outputs


def text(report: dict[str, Any]) -> str:
    """The report for a terminal."""
    left_out = ", ".join(f"{reason} {count}" for reason, count in report["left_out"].items())
    rows = [("output", "kind", "in", *_STATISTICS, "same bits", "limit", "")]
    for name, one in report["outputs"].items():
        for unit, values in one["figures"].items():
            judged = unit == JUDGED[one["kind"]]
            limit = f"{one['limit']:g}" if judged and one["limit"] is not None else ""
            verdict = {None: "", True: "pass", False: "FAIL"}[one["passed"]] if judged else ""
            same = f"{one['bit_identical']} of {report['frames']}" if judged else ""
            numbers = ["not finite" if values[s] is None else f"{values[s]:.3g}" for s in _STATISTICS]
            rows.append((name if judged else "", one["kind"] if judged else "", unit, *numbers, same, limit, verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(
        [
            f"{report['frames']} frames compared, the bundle in {report['bundle']['precision']}"
            + (f"; left out: {left_out}" if left_out else ""),
            *table,
            *(
                f"{title}: pose {_mb(memory['pose'][key])}, fused {_mb(memory['fused'][key])}, more by "
                f"{_mb(memory['more'][key])}"
                for memory in [report["memory"]]
                for key, title in _MB.items()
            ),
            f"power: pose {_watts(report['power_w']['pose'])}, fused {_watts(report['power_w']['fused'])}",
        ]
    )


def _of(values: list[float]) -> dict[str, float | None]:
    """Percentiles, nearest rank upwards, so that each is a frame's; None (JSON has no NaN) where one is not finite."""
    if not np.isfinite(values).all():
        return dict.fromkeys(_STATISTICS)
    return {name: float(np.percentile(values, p, method="higher")) for name, p in _STATISTICS.items()}


def _mb(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e6:.1f} MB"


def _watts(value: float | None) -> str:
    return "not reported by this machine" if value is None else f"{value:.2f} W"
