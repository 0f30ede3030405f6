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
    """Bars with 95 % intervals, a group for each row."""
    from matplotlib.figure import Figure  # without pyplot: no window system, no state

    shown = [s for s in _SERIES if any(s[1] in getattr(row, s[0]) for row in rows)]
    figure = Figure(figsize=(max(8.0, 0.2 * len(rows)), 4.8), layout="constrained")
    axes = figure.subplots()
    width = 0.84 / len(shown)
    for place, (kind, key, told, colour) in enumerate(shown):
        found = [(x, getattr(row, kind)[key]) for x, row in enumerate(rows) if key in getattr(row, kind)]
        middles = [x - 0.42 + (place + 0.5) * width for x, _ in found]
        shares = [100 * r.share for _, r in found]
        arms = [[100 * (r.share - r.low) for _, r in found], [100 * (r.high - r.share) for _, r in found]]
        axes.bar(middles, shares, width, color=colour, label=told)
        axes.errorbar(middles, shares, arms, fmt="none", ecolor="#00000055", elinewidth=0.6)
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_xticks(range(len(rows)), [row.name for row in rows], rotation=90, fontsize=7)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(along)
    axes.set_ylabel("% of flips (bars: 95 % intervals)")
    axes.legend(fontsize=8)
    with files.whole(path) as beside:
        figure.savefig(beside, dpi=120)
