"""The range clamps: what normal frames showed, what passes, and what it costs."""

from typing import Any

import msgspec
import numpy as np
from matplotlib.axes import Axes

from calibration.report.found import Found
from calibration.report.page import details, figure, missing, paragraph, table
from calibration.report.pictures import BAND, NORMAL, picture

_ROW_INCHES = 0.17


def section(found: Found) -> str:
    """Of this bundle's own clamps, or of the bounded one that was made of it."""
    own = found.bundle.manifest.bounds
    facts = found.bounds if own is None else msgspec.to_builtins(own)
    if facts is None:
        return missing("No range clamps were made for this bundle.", found.command("bounds"))
    whose = "This bundle's graph has" if own is not None else f"{facts['out']} was made of this bundle, with"
    bounds = facts["bounds"]
    said = (
        f"{whose} {len(bounds)} clamps, from {facts['frames']} normal frames; outputs were the same to the last bit on "
        f"{facts['same_outputs']}. The range seen was widened at each end by {facts['margin']:g} of its width "
        f"({facts['vector_margin']:g} for vectors)."
    )
    return (
        paragraph(said)
        + _cost(found, facts)
        + _ranges(bounds)
        + paragraph(
            f"Without a clamp: {len(facts.get('unclamped', []))} sums of maps, which one would take out of their "
            "convolution. A NaN passes a clamp; the detector rejects it where it reaches the logit.",
            "soft",
        )
    )


def _cost(found: Found, facts: dict[str, Any]) -> str:
    if "cost" not in facts:
        return paragraph("What the clamps cost is in the report of the bundle that this one was made from.", "soft")
    middle, low, high = facts["cost"]
    return paragraph(
        f"Latency with clamps: {middle:.3f} of that without (5 to 95 % of rounds: {low:.2f} to {high:.2f}; "
        "ONNX Runtime, one CPU thread, by turns)."
    )


def _ranges(bounds: dict[str, Any]) -> str:
    layers = [one["layer"] for one in bounds.values()]

    def draw(axis: Axes) -> None:
        places = np.arange(len(bounds))
        for key, colour, height in (("clamp", BAND, 0.8), ("seen", NORMAL, 0.4)):
            ends = np.array([one[key] for one in bounds.values()], float)
            axis.barh(places, ends[:, 1] - ends[:, 0], left=ends[:, 0], color=colour, height=height)
        axis.set_xscale("symlog", linthresh=1)
        axis.set_yticks(places, [name[-46:] for name in layers], fontsize=6.5)
        axis.set(xlabel="activation (linear from -1 to 1, logarithmic beyond)")
        axis.invert_yaxis()
        axis.margins(y=0.01)

    drawn = picture(draw, (7, 0.8 + _ROW_INCHES * len(bounds)), "ranges of each layer's activations")
    rows = [
        [one["layer"], *(f"{value:.4g}" for value in (*one["seen"], *one["clamp"])), one["instead_of"] or "added"]
        for one in bounds.values()
    ]
    columns = ["behind layer", "seen, low", "high", "passes, low", "high", "in place of"]
    return figure([drawn], "Blue: what normal frames showed; grey: what the clamp lets pass.", wide=True) + details(
        "All ranges as a table", table(columns, rows)
    )
