"""A label file's bounding box: four numbers in one of two orders."""

import math
import re
from typing import Literal

from onboard import window
from onboard.errors import InputError
from train.data.defects import Kind
from train.data.samples import Box

Order = Literal["row_first", "column_first"]


class BoxError(InputError):
    """A box that cannot be used; `kind` is the kind of defect that it is."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind


def parse(text: str, order: Order) -> Box:
    """Read `[a, b, c, d]` as a box.

    Boxes that touch or cross the image's border are real (the target is partly out of view) and stay
    as they are; so do boxes of a few pixels.

    Args:
        text: four numbers between brackets or parentheses or none, parted by commas or spaces.
        order: row_first is (y_min, x_min, y_max, x_max); column_first is (x_min, y_min, x_max, y_max).

    Returns:
        (x_min, y_min, x_max, y_max) in pixels.

    Raises:
        BoxError: there are not four finite numbers, or the box has no area, or it lies left of or above
            every image.
    """
    if not text:
        raise BoxError("missing-box", "the box is missing")
    try:
        numbers = [float(word) for word in re.split(r"[,\s]+", text.strip("[]() \t"))]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise BoxError(
            "unparseable-box", f'the box {text!r} is not four numbers in quotes such as "[236, 83, 554, 275]"'
        )
    if not all(math.isfinite(number) for number in numbers):
        raise BoxError("non-finite-box", f"the box {text} holds a number that is not finite")
    a, b, c, d = numbers
    x_min, y_min, x_max, y_max = (b, a, d, c) if order == "row_first" else (a, b, c, d)
    if x_max <= x_min or y_max <= y_min:
        raise BoxError(
            "empty-box",
            f"the box {text} is empty or inverted: x {x_min:g} to {x_max:g}, y {y_min:g} to {y_max:g}",
        )
    if x_max <= 0 or y_max <= 0:
        raise BoxError("box-outside-image", f"the box {text} lies left of or above the image")
    return x_min, y_min, x_max, y_max


def unfit(box: Box, height: int, width: int) -> str | None:
    """Say why a box in an image of this size in pixels could not be looked at in flight either; None if it could."""
    try:
        window.check_box(box, width, height)
    except window.BoxError as error:
        return str(error)
    return None


def transposed(box: Box) -> Box:
    """The same four numbers read in the other order."""
    x_min, y_min, x_max, y_max = box
    return y_min, x_min, y_max, x_max
