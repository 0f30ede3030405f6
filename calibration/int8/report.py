"""What quantisation did, for a terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calibration import latency
from calibration.int8.decisions import Decisions
from calibration.latency import Times
from onboard import conformal

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


def table(sizes: Mapping[str, int], times: Mapping[str, Times], scores: Mapping[str, np.ndarray], rate: float) -> str:
    """Size, latency and threshold by precision."""
    lines = [f"precision      MB   median ms   fp32 / it (5 to 95 %)      score above, alpha {rate:g}"]
    for name, size in sizes.items():
        middle, low, high = latency.ratio(times["fp32"], times[name])
        rank = conformal.rank(len(scores[name]), rate)
        limit = f"{np.sort(scores[name])[-rank]:.4f}" if rank else "too few frames"
        lines.append(
            f"{name:<10}{size / 1e6:>7.1f}{np.median(times[name]):>12.2f}   {middle:.2f} ({low:.2f} to {high:.2f})"
            f"{limit:>24}"
        )
    return "\n".join(lines)
