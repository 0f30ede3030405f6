"""Disturbances of normal frames: what a camera may bring that the calibration did not see."""

import hashlib

import cv2
import numpy as np

from calibration.scoring import RAW, Shift
from onboard.image import Frame
from onboard.replay import Box

_DARKER, _BRIGHTER = 0.6, 1.5  # gain on the raw levels
_NOISE_LEVELS = 6.0  # standard deviation, of 255
_BLUR_PX = 1.5  # standard deviation
_SMALLER = 2  # by how much frame and box shrink


def _darker(frame: Frame, box: Box, seed: str) -> tuple[Frame, Box]:
    return _gain(frame, _DARKER), box


def _brighter(frame: Frame, box: Box, seed: str) -> tuple[Frame, Box]:
    return _gain(frame, _BRIGHTER), box


def _noisier_grey(frame: Frame, box: Box, seed: str) -> tuple[Frame, Box]:
    """Noise that all channels share, as a mono camera's."""
    return _noisier(frame, (*frame.shape[:2], 1), seed), box


def _noisier_colour(frame: Frame, box: Box, seed: str) -> tuple[Frame, Box]:
    """Noise that each channel has by itself, as a colour camera's."""
    return _noisier(frame, frame.shape, seed), box


def _noisier(frame: Frame, shape: tuple[int, ...], seed: str) -> Frame:
    draw = np.random.default_rng(list(hashlib.sha256(seed.encode()).digest()[:8]))
    noise = draw.standard_normal(shape, np.float32) * np.float32(_NOISE_LEVELS)
    return np.clip(np.rint(frame + noise), 0, 255).astype(np.uint8)


def _blurrier(frame: Frame, box: Box, seed: str) -> tuple[Frame, Box]:
    return cv2.GaussianBlur(frame, (0, 0), _BLUR_PX).astype(np.uint8, copy=False), box


def _smaller(frame: Frame, box: Box, seed: str) -> tuple[Frame, Box]:
    """The frame reduced, in the middle of a black one of its old size: some networks take frames of one size only."""
    height, width = frame.shape[:2]
    h, w = height // _SMALLER, width // _SMALLER
    left, top = (width - w) // 2, (height - h) // 2
    whole = np.zeros_like(frame)
    whole[top : top + h, left : left + w] = cv2.resize(frame, (w, h), interpolation=cv2.INTER_AREA)
    return whole, _smaller_box(box, (width, height))


def _smaller_box(box: Box, frame_px: tuple[int, int]) -> Box:
    (width, height), (w, h) = frame_px, (side // _SMALLER for side in frame_px)
    left, top, x, y = (width - w) // 2, (height - h) // 2, w / width, h / height
    return left + box[0] * x, top + box[1] * y, left + box[2] * x, top + box[3] * y


def _gain(frame: Frame, gain: float) -> Frame:
    return np.clip(np.rint(frame.astype(np.float32) * gain), 0, 255).astype(np.uint8)


# A name is part of the scores' key, so it tells the strength, too: another strength is another name.
SHIFTS = (
    RAW,
    Shift(f"darker x{_DARKER:g}", _darker),
    Shift(f"brighter x{_BRIGHTER:g}", _brighter),
    Shift(f"grey noise {_NOISE_LEVELS:g}", _noisier_grey),
    Shift(f"colour noise {_NOISE_LEVELS:g}", _noisier_colour),
    Shift(f"blur {_BLUR_PX:g} px", _blurrier),
    Shift(f"size 1/{_SMALLER}", _smaller, _smaller_box),
)
