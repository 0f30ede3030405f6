"""A view of a sample: its frame and box as a recipe says."""

import hashlib

import cv2
import numpy as np

from onboard.image import Frame
from train.data.samples import Box, Sample
from train.views.recipe import Recipe, View
from train.views.reduction import matched, reduced


def apply(view: View, frame: Frame, sample: Sample) -> tuple[Frame, Box]:
    """The frame, uint8 RGB [H, W, 3], and the box of a view. Draws depend on the view and on the sample's key alone."""
    recipe, box = view.recipe, sample.box
    random = _random(view, sample)
    frame, box = turned(frame, box, view.turn)
    if recipe.reduce_to_px is not None:
        longer_px = random.uniform(*recipe.reduce_to_px)
        if recipe.reduce == "all" or not sample.is_anomaly:
            source = None if sample.row is not None else sample.path
            frame, box = reduced(frame, box, longer_px, source, random)
    if recipe.match_px is not None:
        frame, box = matched(frame, box, _strength(recipe.match_px, random))
    return _disturbed(recipe, frame, random), _jittered(recipe, box, frame, random)


def turned(frame: Frame, box: Box, turn: int) -> tuple[Frame, Box]:
    """One of the eight flips and quarter turns of the square; 0 is none."""
    height, width = frame.shape[:2]
    x_min, y_min, x_max, y_max = box
    if turn & 1:
        frame, x_min, x_max = frame[:, ::-1], width - x_max, width - x_min
    if turn & 2:
        frame, y_min, y_max = frame[::-1], height - y_max, height - y_min
    if turn & 4:
        frame, x_min, y_min, x_max, y_max = frame.transpose(1, 0, 2), y_min, x_min, y_max, x_max
    return np.ascontiguousarray(frame), (x_min, y_min, x_max, y_max)


def _disturbed(recipe: Recipe, frame: Frame, random: np.random.Generator) -> Frame:
    blur_px, exposure = _strength(recipe.blur_px, random), _strength(recipe.exposure, random)
    grey, colour = _strength(recipe.noise_levels, random), _strength(recipe.colour_noise_levels, random)
    if exposure == 1.0 and not any((blur_px, grey, colour)):
        return frame
    levels = frame.astype(np.float32)
    if blur_px:
        levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), blur_px), np.float32)
    if exposure != 1.0:
        black = float(np.percentile(levels, 5))  # space: what the sensor reads without light
        levels = black + (levels - black) * exposure
    if grey:
        levels = levels + grey * random.standard_normal((*levels.shape[:2], 1), np.float32)
    if colour:
        levels = levels + colour * random.standard_normal(levels.shape, np.float32)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _strength(value: float | tuple[float, float], random: np.random.Generator) -> float:
    return random.uniform(*value) if isinstance(value, tuple) else value


def _jittered(recipe: Recipe, box: Box, frame: Frame, random: np.random.Generator) -> Box:
    """The box moved and scaled; as it was where it would leave the frame altogether."""
    if not recipe.shift and not recipe.scale:
        return box
    x_min, y_min, x_max, y_max = box
    width, height = x_max - x_min, y_max - y_min
    centre_x = (x_min + x_max) / 2 + width * random.uniform(-recipe.shift, recipe.shift)
    centre_y = (y_min + y_max) / 2 + height * random.uniform(-recipe.shift, recipe.shift)
    factor = 1 + random.uniform(-recipe.scale, recipe.scale)
    half_w, half_h = width * factor / 2, height * factor / 2
    if not (0 < centre_x < frame.shape[1] and 0 < centre_y < frame.shape[0]):
        return box
    return centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h


def _random(view: View, sample: Sample) -> np.random.Generator:
    digest = hashlib.sha256(f"{view.draw}\t{sample.key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))
