"""The one thing the host does to a frame: cut the integer window that holds the box and its margin.

Resizing happens inside the flight graph; training cuts its windows here as well. Where the network sees the whole
frame, nothing is cut: the frame is the window.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.crop_spec import CropSpec
from onboard.image import Frame

_LEAST_PX = 1.0  # a box that shows less on one side shows nothing
_LEAST_SEEN = 0.1  # the share of a box's area that must lie in the frame


@dataclass(frozen=True)
class Window:
    """What the flight graph takes.

    Attributes:
        pixels: uint8 RGB [n, n, 3], n one of the spec's window sizes; padded beyond the frame's border. Or the whole
            frame, [H, W, 3].
        region: float32 [4], the box with margin and aspect applied: x_min, y_min, x_max, y_max in window pixels. In a
            whole frame the box as it is: there the graph adds the margin.
    """

    pixels: npt.NDArray[np.uint8]
    region: npt.NDArray[np.float32]


class BoxError(Exception):
    """The box allows no verdict. `reason` is a short machine-readable name, the message tells the rest."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FrameError(BoxError):
    """The frame allows no verdict, whatever the box."""


Buffers = dict[int, npt.NDArray[np.uint8]]


def buffers(spec: CropSpec) -> Buffers:
    """One window of each size, for `cut` to write into; none where nothing is cut."""
    return {} if spec.whole else {size: np.zeros((size, size, 3), np.uint8) for size in spec.windows}


def cut(frame: Frame, box: tuple[float, float, float, float], spec: CropSpec, into: Buffers | None = None) -> Window:
    """Cut the smallest window that holds the box, its margin and the resize filter's support; or take the whole frame.

    Args:
        frame: uint8 RGB [H, W, 3].
        box: x_min, y_min, x_max, y_max in frame pixels (edges: a box of one pixel is x, y, x + 1, y + 1).
        spec: margin, aspect and window sizes.
        into: the window of its size takes the pixels, which are then valid until the next cut; None: a new one does.

    Raises:
        BoxError: the box is not finite, is empty or inverted, lies (mostly) outside the frame, is less than a pixel
            wide, or is too large.
        FrameError: the backbone sees whole frames, of another size than this one.
    """
    height, width = frame.shape[:2]
    if spec.whole and (height, width) != spec.frame_hw:
        needed = list(spec.frame_hw)
        raise FrameError(
            "frame_wrong_size",
            f"the frame is {height} x {width} px (height x width), but the network sees whole frames of {needed[0]} x "
            f"{needed[1]}: give such frames, or train and fuse with crop.frame_px: [{height}, {width}]",
        )
    check_box(box, width, height)
    if spec.whole:
        return Window(np.ascontiguousarray(frame), np.array(box, dtype=np.float32))
    x_min, y_min, x_max, y_max = _region(box, spec)
    size = _window_size((x_min, y_min, x_max, y_max), spec)
    # Halves go up, not to the even number: a box moved by one pixel then moves its window by one pixel too.
    left = math.floor((x_min + x_max) / 2 - size / 2 + 0.5)
    top = math.floor((y_min + y_max) / 2 - size / 2 + 0.5)
    region = np.array([x_min - left, y_min - top, x_max - left, y_max - top], dtype=np.float32)
    pixels = np.empty((size, size, 3), np.uint8) if into is None else into[size]
    _fill(pixels, frame, left, top, spec)
    return Window(pixels, region)


def check_box(box: tuple[float, float, float, float], width: int, height: int) -> None:
    """Look whether a box allows a verdict, its size in a window aside.

    Args:
        box: x_min, y_min, x_max, y_max in frame pixels (edges).
        width, height: of the frame, px.

    Raises:
        BoxError: it is not finite, is empty or inverted, lies (mostly) outside the frame, or shows less than a pixel.
    """
    x_min, y_min, x_max, y_max = box
    if not all(map(math.isfinite, box)):
        raise BoxError("box_not_finite", f"box {tuple(box)} holds a number that is not finite")
    if x_max <= x_min or y_max <= y_min:
        raise BoxError("box_empty", f"box {tuple(box)} is empty or inverted: x_min < x_max and y_min < y_max needed")
    seen_w, seen_h = min(x_max, width) - max(x_min, 0), min(y_max, height) - max(y_min, 0)
    if seen_w <= 0 or seen_h <= 0:
        raise BoxError("box_outside_frame", f"box {tuple(box)} lies outside the {width} x {height} frame")
    if seen_w * seen_h < _LEAST_SEEN * (x_max - x_min) * (y_max - y_min):
        raise BoxError(
            "box_mostly_outside",
            f"box {tuple(box)}: less than {_LEAST_SEEN:.0%} of it lies in the {width} x {height} frame",
        )
    if min(seen_w, seen_h) < _LEAST_PX:
        raise BoxError("box_too_small", f"box {tuple(box)} shows less than {_LEAST_PX:g} px of the frame on a side")


def _region(box: tuple[float, float, float, float], spec: CropSpec) -> tuple[float, float, float, float]:
    """The box with margin and aspect applied, shrunk where only the margin is too much for the largest window."""
    x_min, y_min, x_max, y_max = map(float, box)
    box_w, box_h = x_max - x_min, y_max - y_min
    largest = _largest_side(spec)
    if max(_with_aspect(box_w, box_h, spec)) > largest:
        raise BoxError(
            "box_too_large",
            f"box of {box_w:g} x {box_h:g} px exceeds the largest window's {largest:.0f} px; "
            "train and export with a larger one in crop.windows",
        )
    w, h = _with_aspect(box_w * (1 + 2 * spec.margin), box_h * (1 + 2 * spec.margin), spec)
    most_w, most_h = largest, largest
    if spec.aspect == "square":
        height, width = spec.input_hw
        most_w, most_h = largest * min(1.0, width / height), largest * min(1.0, height / width)
    w, h = min(w, most_w), min(h, most_h)
    centre_x, centre_y = (x_min + x_max) / 2, (y_min + y_max) / 2
    return centre_x - w / 2, centre_y - h / 2, centre_x + w / 2, centre_y + h / 2


def _with_aspect(w: float, h: float, spec: CropSpec) -> tuple[float, float]:
    """Width and height, the shorter one (beside the input's aspect) grown where the aspect is to be kept."""
    if spec.aspect == "stretch":
        return w, h
    height, width = spec.input_hw
    return max(w, h * (width / height)), max(h, w * (height / width))


@functools.lru_cache(8)
def _largest_side(spec: CropSpec) -> float:
    """The longest side of a region that the largest window holds, with the filter's support and rounding."""
    window = spec.windows[-1]
    pooled = spec.pooling(window)
    return min((window - 2) / (1 + 2 / min(spec.first_hw)), window - 2 - 2 * pooled)


def _window_size(region: tuple[float, float, float, float], spec: CropSpec) -> int:
    """The smallest window for this region; two pixels are kept for the rounding of the window's place."""
    longest = max(region[2] - region[0], region[3] - region[1])
    first, sizes = _sizes(spec)
    for size, pooling in sizes:
        if longest + 2 * max(longest / first, pooling) + 2 <= size:
            return size
    return spec.windows[-1]  # `_region` has made sure that it fits, but for rounding in the last bit


@functools.lru_cache(8)
def _sizes(spec: CropSpec) -> tuple[int, list[tuple[int, int]]]:
    """The shorter side of the first resize, and each window with its pooling."""
    return min(spec.first_hw), [(size, spec.pooling(size)) for size in spec.windows]


def _fill(pixels: npt.NDArray[np.uint8], frame: Frame, left: int, top: int, spec: CropSpec) -> None:
    """Copy the frame's part; what lies beyond its border is black, or the border's own pixels."""
    (height, width), size = frame.shape[:2], len(pixels)
    if left >= 0 and top >= 0 and left + size <= width and top + size <= height:
        pixels[:] = frame[top : top + size, left : left + size]
        return
    x0, x1 = max(left, 0) - left, min(left + size, width) - left
    y0, y1 = max(top, 0) - top, min(top + size, height) - top
    pixels[y0:y1, x0:x1] = frame[top + y0 : top + y1, left + x0 : left + x1]
    edge = spec.padding == "edge"
    pixels[y0:y1, :x0] = pixels[y0:y1, x0 : x0 + 1] if edge else 0
    pixels[y0:y1, x1:] = pixels[y0:y1, x1 - 1 : x1] if edge else 0
    pixels[:y0] = pixels[y0] if edge else 0
    pixels[y1:] = pixels[y1 - 1] if edge else 0
