"""Which window size each picture needs, by the same cut that the node makes."""

from collections.abc import Sequence

import numpy as np

from hil_tests.bench.pictures import Picture
from onboard.crop_spec import CropSpec
from onboard.window import BoxError, cut


def shapes(spec: CropSpec) -> dict[str, tuple[int, int]]:
    """Heights and widths of a bundle's windows by name: a square's side, or `height`x`width`."""
    return {_name(height, width): (height, width) for height, width in spec.window_shapes}


def by_picture(shown: Sequence[Picture], spec: CropSpec) -> dict[int, str]:
    """The name of its window size by picture; those without a usable box are left out."""
    found = {}
    for number, each in enumerate(shown):
        if each.box is None:
            continue
        try:
            window = cut(np.zeros((each.height, each.width, 3), np.uint8), each.box, spec)
        except BoxError:
            continue
        height, width = window.pixels.shape[:2]
        found[number] = _name(height, width)
    return found


def _name(height: int, width: int) -> str:
    return str(height) if height == width else f"{height}x{width}"
