"""What quantisation did, for a terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calibration import latency
from calibration.int8.decisions import ALPHAS, Decisions
from calibration.int8.precisions import Precision

_SHOWN = 5


def layers(facts: Mapping[str, Any], left_out: Counter[str]) -> str:
    """Which layers are int8, and the most sensitive ones."""
    left = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count) or "none"
    kept, told = facts["kept_in_float32"], list(facts["sensitivity"].items())[:_SHOWN]
    return "\n".join(
        [
            f"{facts['frames']} normal frames, kept back for this; left out: {left}",
            f"{len(facts['quantised'])} layers in int8 ({facts['method']}); in float: {len(kept)} for the "
            "budget, the last before each output, poolings, the crop",
            "most sensitive alone       mean change of the logit",
            *(f"  {node[-50:]:<52}{moved:.4f}{'   float' if node in kept else ''}" for node, moved in told),
        ]
    )


def decisions(found: Sequence[Decisions]) -> str:
    """The budget."""
    lines = ["alpha    frames   alarms   changed   allowed"]
    for one in found:
        seen = "" if one.alarms else f"   not seen: that takes {round(1 / one.alpha)} frames kept back"
        lines.append(f"{one.alpha:<9g}{one.frames:>6}{one.alarms:>9}{one.changed:>10}{one.allowed:>10}{seen}")
    return "\n".join(lines)


def outputs(facts: Mapping[str, Any]) -> str:
    """By how much the outputs moved."""
    lines = [
        f"on these frames the logit moves by at most {facts['logit_change']:.4f}, with a spread of "
        f"{facts['logit_noise']:.4f}; its own spread is {facts['logit_spread']:.4f}"
    ]
    for name, change in facts["output_changes"].items():
        lines.append(
            f"  {name}: at most {change['max_abs']:.4g}, mean {change['mean_abs']:.4g} (values up to "
            f"{change['largest']:.4g}); 'python -m onboard compare-pose' tells degrees and metres"
        )
    return "\n".join(lines)


def table(rows: Sequence[Precision], rate: float) -> str:
    """Size, latency, AUROC, threshold and changed decisions by precision."""
    alphas = " / ".join(f"{alpha:g}" for alpha in ALPHAS)
    lines = [
        f"precision      MB   median ms   fp32 / it (5 to 95 %)     AUROC   score above, alpha {rate:g}   "
        f"alarms changed at {alphas}"
    ]
    for row in rows:
        middle, low, high = latency.ratio(rows[0].times, row.times)
        limit, auroc, ratio = row.limit(rate), row.auroc, f"{middle:.2f} ({low:.2f} to {high:.2f})"
        lines.append(
            f"{row.name:<10}{row.size / 1e6:>7.1f}{np.median(row.times):>12.2f}   {ratio}"
            f"{'-' if auroc is None else f'{100 * auroc:.2f}':>14}"
            f"{'too few frames' if limit is None else f'{limit:.4f}':>21}   {_changed(row)}"
        )
    if all(row.name != "fp16" for row in rows):
        lines.append("fp16: not measured; --fp16 BUNDLE takes what 'python -m train export RUN --precision fp16' wrote")
    return "\n".join(lines)


def _changed(row: Precision) -> str:
    if row.changed is None:
        return "-"
    return " / ".join(str(one.changed) if one.alarms else "not seen" for one in row.changed)
