"""Matplotlib's drawings as pictures within the page, the same bytes for the same data."""

import base64
import io
from collections.abc import Callable
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from calibration.report.page import escape

NORMAL, DEBRIS, BAND, SOFT = "#2b6cb0", "#c53030", "#d9dee6", "#4a5568"
_STYLE: Any = {
    "svg.hashsalt": "calibration",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "legend.fontsize": 7,
}


def picture(draw: Callable[[Axes], None], inches: tuple[float, float], described: str) -> str:
    """An <img> element of what `draw` draws.

    Args:
        draw: onto one axis.
        inches: width and height; 4 inches are about a phone's width.
        described: for who cannot see it.
    """
    with plt.rc_context(_STYLE):
        drawn, axis = plt.subplots(figsize=inches, layout="constrained")
        try:
            draw(axis)
            buffer = io.BytesIO()
            drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        finally:
            plt.close(drawn)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{escape(described)}" src="data:image/svg+xml;base64,{data}">'
