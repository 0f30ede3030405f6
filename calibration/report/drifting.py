"""The drift monitor under each disturbance, as `validate` found it."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from calibration.report.found import Found
from calibration.report.page import figure, missing, paragraph, table
from calibration.report.pictures import BAND, DEBRIS, NORMAL, picture


def section(found: Found) -> str:
    """The martingale's capital over frames."""
    told = None if found.validate is None else found.validate.get("drift")
    if not told:
        return missing("Not measured.", found.command("validate"))
    some = next(iter(told.values()))
    top = max(max(one["capital"][2]) for one in told.values())
    drawn = [
        picture(
            lambda axis, name=name, one=one: _draw(axis, name, one, top),  # type: ignore[misc]
            (3.5, 2.6),
            f"{name}: logarithm of the capital over frames",
        )
        for name, one in told.items()
    ]
    caption = (
        f"Capital of a bet that something changed (log10; median and 5 to 95 % of {some['runs']} random orders). "
        f"The monitor starts from {some['before']} frames as they are and then takes up to {some['flown']} disturbed "
        f"ones. Dashed: the alarm at 1 / {some['alpha']:g}, which without drift is ever reached with probability at "
        f"most {some['alpha']:g}."
    )
    rows = [[name, f"{one['alarmed']:.0%}", one["median"], one["p90"]] for name, one in told.items()]
    columns = ["frames", "alarmed", "after frames, median", "90 % of those by"]
    said = (
        "In flight the monitor takes one number a track. Here each frame stands for a track, since frames of a pool "
        "are independent and those of a track are not. The orders share one pool, so the share of alarms of raw frames "
        "scatters around the promised one."
    )
    return paragraph(said) + figure(drawn, caption) + table(columns, rows)


def _draw(axis: Axes, name: str, told: dict[str, Any], top: float) -> None:
    low, middle, high = (np.array(one) for one in told["capital"])
    frames = np.arange(1, len(middle) + 1)
    limit = -math.log10(told["alpha"])
    axis.fill_between(frames, low, high, color=BAND)
    axis.plot(frames, middle, color=NORMAL)
    axis.axhline(limit, color=DEBRIS, linestyle="--", linewidth=1)
    # The same for all, so that they can be compared; what is far above the alarm need not be seen.
    axis.set(title=name, xlabel="disturbed frames", ylabel="log10 capital", ylim=(-2, min(top, 6 * limit) + 0.5))
