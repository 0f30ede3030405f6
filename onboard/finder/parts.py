"""The bright parts of a reduced frame, and the objects that they belong to."""

from typing import NamedTuple

import cv2
import numpy as np

from onboard.finder.boxes import Box, gap, longer_side, union
from onboard.finder.config import FinderConfig
from onboard.finder.reduced import Reduced

_MOST_PARTS = 24  # the largest ones; bounds the time that a frame full of specks takes
_LEAST_SIDE = 4  # reduced pixels; a star or a streak of noise is thinner
_BRIGHTEST = 0.95


class Part(NamedTuple):
    """A bright part, or several of one object.

    Attributes:
        box: in reduced pixels.
        light: its levels above the background, summed.
    """

    box: Box
    light: float


def bright_parts(reduced: Reduced, threshold: float, level: float, config: FinderConfig) -> tuple[list[Part], int, int]:
    """All parts that may be objects, the strongest first; how many are too small, and how many are the Earth's."""
    cv2.threshold(reduced.light, threshold, 255, cv2.THRESH_BINARY, reduced.bright)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(reduced.bright, reduced.labels, None, None, 8, cv2.CV_32S)
    height, width = labels.shape
    found: list[Part] = []
    limbs = 0
    largest = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST_PARTS] + 1
    for number in largest:
        x, y, w, h, area = (int(value) for value in stats[number])
        if area < config.least_area * height * width or min(w, h) < _LEAST_SIDE:
            continue
        inside = labels[y : y + h, x : x + w] == number
        if area >= config.limb_area * height * width:
            touching = _on_border(inside, (x, y, x + w, y + h), width, height)
            if touching >= config.limb_border * max(width, height):
                limbs += 1
                continue
        light = float(reduced.light[y : y + h, x : x + w][inside].sum()) - level * area
        found.append(Part((float(x), float(y), float(x + w), float(y + h)), light))
    found.sort(key=lambda part: -part.light)
    return found, len(stats) - 1 - limbs - len(found), limbs


def objects(parts: list[Part], join: float) -> list[Part]:
    """Parts that lie near each other as one: each object starts with the strongest part that is left."""
    made, left = [], list(parts)
    while left:
        whole = left.pop(0)
        while (near := next((part for part in left if _near(whole, part, join)), None)) is not None:
            left.remove(near)
            whole = Part(union(whole.box, near.box), whole.light + near.light)
        made.append(whole)
    return made


def without_glow(box: Box, reduced: Reduced, threshold: float, level: float, share: float) -> Box:
    """The box around what is not much dimmer than most of the object's own light."""
    x, y = int(box[0]), int(box[1])
    light = reduced.plain[y : int(box[3]), x : int(box[2])]
    lit = np.sort(light[light > threshold])
    if not len(lit):  # it is bright only where smoothing adds up
        return box
    brightest = float(lit[int(_BRIGHTEST * (len(lit) - 1))])
    itself = light > max(threshold, level + share * (brightest - level))
    columns, rows = np.flatnonzero(itself.any(0)), np.flatnonzero(itself.any(1))
    return float(x + columns[0]), float(y + rows[0]), float(x + columns[-1] + 1), float(y + rows[-1] + 1)


def _near(one: Part, other: Part, join: float) -> bool:
    return gap(one.box, other.box) <= join * min(longer_side(one.box), longer_side(other.box))


def _on_border(inside: np.ndarray, box: tuple[int, int, int, int], width: int, height: int) -> int:
    """Pixels of a part that lie on the frame's border."""
    x_min, y_min, x_max, y_max = box
    sides = ((x_min == 0, inside[:, 0]), (y_min == 0, inside[0]), (x_max == width, inside[:, -1]),
             (y_max == height, inside[-1]))  # fmt: skip
    return sum(int(np.count_nonzero(line)) for touches, line in sides if touches)
