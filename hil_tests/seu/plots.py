"""Charts: what flips do by their place in the word, and by layer."""

from collections.abc import Sequence
from pathlib import Path

from hil_tests.seu.table import Row
from onboard import files

# Drawn from the left to the right of each group; without a bounded graph only the first two are there.
_SERIES = (
    ("changed", "plain", "wrong decision, no clamps", "#b2182b"),
    ("silent", "plain+", "and no known answer tells", "#f4a582"),
    ("changed", "bounded", "wrong decision, clamps", "#2166ac"),
    ("silent", "bounded+", "and no known answer tells (clamps)", "#92c5de"),
)


def draw(rows: Sequence[Row], along: str, path: Path) -> None:
    """Bars with 95 % intervals, a group for each row; none where no flip did it."""
    from matplotlib.figure import Figure  # without pyplot: no window system, no state

    shown = [s for s in _SERIES if any(s[1] in getattr(row, s[0]) for row in rows)]
    figure = Figure(figsize=(max(8.0, 0.2 * len(rows)), 4.8), layout="constrained")
    axes = figure.subplots()
    width = 0.84 / len(shown)
    for place, (kind, key, told, colour) in enumerate(shown):
        found = [(x, getattr(row, kind)[key]) for x, row in enumerate(rows) if key in getattr(row, kind)]
        middles = [x - 0.42 + (place + 0.5) * width for x, _ in found]
        axes.bar(middles, [100 * rate.share for _, rate in found], width, color=colour, label=told)
        for middle, (_, rate) in zip(middles, found, strict=True):
            if rate.hits:  # the tables have the upper ends of the others
                axes.vlines(middle, 100 * rate.low, 100 * rate.high, color="#00000055", linewidth=0.6)
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_xticks(range(len(rows)), [_short(row.name) for row in rows], rotation=90, fontsize=7)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(along)
    axes.set_ylabel("% of flips, with 95 % intervals")
    axes.legend(fontsize=8)
    with files.whole(path) as beside:
        figure.savefig(beside, dpi=120)


def _short(name: str) -> str:
    return "/".join(name.split("/")[-3:])
