"""Smaller frames: as if the object were farther away, seen by the same camera and stored by the same encoder."""

import io
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, JpegImagePlugin

from onboard import image
from onboard.image import Frame
from train.data.samples import Box

Levels = npt.NDArray[np.float32]

_BLOCK = 8  # JPEG's
_STEPS = 7  # halvings of the noise's range
_MOST_NOISE = 8.0  # grey levels


def reduced(
    frame: Frame, box: Box, longer_px: float, source: Path | None, random: np.random.Generator
) -> tuple[Frame, Box]:
    """Reduce a frame until its box's longer side is `longer_px`, with the source's noise and encoding.

    Averaging pixels takes noise away, which a detector could tell; so white noise is added, of the strength with which
    the frame, encoded as the source file is, has the source's noise again (`background_noise`; found by halving).
    Only a JPEG is encoded again, with its own quantisation tables and chroma sampling: other formats lose nothing.

    Args:
        frame: uint8 RGB [H, W, 3].
        box: in its pixels.
        longer_px: a box that is no longer than this is left alone, with its frame.
        source: the image file; None where it is no file of its own.
        random: draws the noise.
    """
    small, box_there = shrunk(frame, box, longer_px)
    if box_there == box:
        return frame, box
    wanted = background_noise(frame.astype(np.float32))
    # All three channels get one noise: SPARK's own is nearly grey.
    noise = random.standard_normal((*small.shape[:2], 1), np.float32)
    low, high = 0.0, _MOST_NOISE
    encoded = _encoded(small, source)
    for _ in range(_STEPS):
        strength = (low + high) / 2
        encoded = _encoded(small + strength * noise, source)
        if background_noise(encoded.astype(np.float32)) < wanted:
            low = strength
        else:
            high = strength
    return encoded, box_there


def matched(frame: Frame, box: Box, longer_px: float) -> tuple[Frame, Box]:
    """Reduce a frame until its box's longer side is `longer_px`; nothing is put back. The crop enlarges it again."""
    small, box_there = shrunk(frame, box, longer_px)
    return (frame, box) if box_there == box else (_levels(small), box_there)


def shrunk(frame: Frame, box: Box, longer_px: float) -> tuple[Levels, Box]:
    """Float32 levels of the frame, reduced by averaging over areas, and the box in it."""
    factor = longer_px / max(box[2] - box[0], box[3] - box[1])
    if factor >= 1:
        return frame.astype(np.float32), box
    height, width = frame.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(frame.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    x, y = size[0] / width, size[1] / height
    return np.asarray(small, np.float32), (box[0] * x, box[1] * y, box[2] * x, box[3] * y)


def background_noise(levels: Levels) -> float:
    """Standard deviation within blocks of 8 x 8 pixels, in grey levels: the median over the darker half of them."""
    rows, columns = (n // _BLOCK for n in levels.shape[:2])
    if not rows or not columns:
        return 0.0
    grey = levels[: rows * _BLOCK, : columns * _BLOCK].mean(axis=2)
    blocks = grey.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(rows * columns, -1)
    means = blocks.mean(axis=1)
    return float(np.median(blocks.std(axis=1)[means <= np.median(means)]))


def _encoded(levels: Levels, source: Path | None) -> Frame:
    """Through the encoder that wrote the source, and back."""
    pixels = _levels(levels)
    if source is None:
        return pixels
    with Image.open(source) as original:
        if not isinstance(original, JpegImagePlugin.JpegImageFile):
            return pixels
        tables, sampling = original.quantization, JpegImagePlugin.get_sampling(original)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", qtables=tables, subsampling=max(0, sampling))
    return image.decode(stream.getvalue(), str(source), "replicate")


def _levels(values: Levels) -> Frame:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
