"""Groups of apparent size, each with enough frames for its own promise."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_EDGES_PX = (32.0, 64.0, 128.0, 256.0, 512.0)  # octaves: fixed beforehand, so that no score has a say in them


@dataclass(frozen=True)
class SizeRange:
    """From a size, included, to a size that is not; None: no end. Pixels."""

    from_px: float
    to_px: float | None

    def text(self) -> str:
        if self.to_px is None:
            return "all sizes" if self.from_px == 0 else f"{self.from_px:g} px and more"
        return f"{self.from_px:g} to {self.to_px:g} px"

    def __contains__(self, size_px: float) -> bool:
        return self.from_px <= size_px and (self.to_px is None or size_px < self.to_px)


EVERY_SIZE = SizeRange(0.0, None)


def ranges(sizes_px: Sequence[float], needed: int) -> list[SizeRange]:
    """Octaves of size, joined with their upper neighbours until each holds `needed` frames.

    Args:
        sizes_px: of the frames' boxes.
        needed: frames in each range; at least one range is given even where there are fewer.

    Returns:
        Ranges that share out all sizes without a gap, ascending.
    """
    edges, counts = [0.0], [0]
    octaves = np.searchsorted(_EDGES_PX, sizes_px, side="right")
    for octave, start in enumerate((0.0, *_EDGES_PX)):
        if octave and counts[-1] >= needed:
            edges.append(start)
            counts.append(0)
        counts[-1] += int(np.count_nonzero(octaves == octave))
    if counts[-1] < needed and len(edges) > 1:  # too few of the largest: they go with the range below
        edges.pop()
    return [SizeRange(a, b) for a, b in itertools.zip_longest(edges, edges[1:])]
