"""What an image shall look like beside its object: drawn without a look at the class.

All that a shortcut could hang on (size, shape, place and brightness of the box, background, noise) comes from
here, so that satellites and debris have it from the same distributions.
"""

from dataclasses import dataclass

import numpy as np

from train.synth.config import SynthConfig
from train.synth.mesh import Array
from train.synth.rotation import direction


@dataclass(frozen=True)
class Target:
    """
    Attributes:
        side_px: the square root of the box's area.
        log_aspect: logarithm of the box's width over its height.
        place: float [2], where in its free room the box's middle is, 0..1 across and down.
        overhang: the share of the box's width or height beyond the border, mostly 0.
        border: which border: 0 left, 1 top, 2 right, 3 bottom.
        brightness_levels: the mean of the image inside the box, above the black level.
        sun: unit vector towards the sun, camera frame.
        earth: whether the Earth is in the background.
        earth_light: unit vector towards the Earth, from which a weak light comes.
        black_level: what an unlit pixel reads.
        read_noise_levels, shot_noise_levels, blur_px: see `SynthConfig`.
    """

    side_px: float
    log_aspect: float
    place: Array
    overhang: float
    border: int
    brightness_levels: float
    sun: Array
    earth: bool
    earth_light: Array
    black_level: float
    read_noise_levels: float
    shot_noise_levels: float
    blur_px: float


def draw(config: SynthConfig, rng: np.random.Generator, index: int) -> Target:
    """The target of a data set part's image `index`."""
    # Size and brightness are spread over their ranges by a low-discrepancy sequence (Roberts' R2) and not by
    # luck: then a part of some hundred images has the distribution, and not only one of some ten thousand.
    size, light = np.mod(0.5 + (index + 1) * np.array([0.7548776662466927, 0.5698402909980532]), 1)
    box, levels = config.box_side, config.brightness_levels
    overhang = float(rng.uniform(0.1, 0.3)) if rng.random() < config.border_probability else 0.0
    return Target(
        side_px=float(box.min * (box.max / box.min) ** size * config.image_px),
        log_aspect=float(np.clip(rng.normal(0, 0.28), -0.6, 0.6)),
        place=rng.random(2),
        overhang=overhang,
        border=int(rng.integers(4)),
        brightness_levels=float(levels.min + (levels.max - levels.min) * light**1.5),
        sun=_sun(rng),
        earth=bool(rng.random() < config.earth_probability),
        earth_light=direction(rng),
        black_level=float(rng.uniform(config.black_level_levels.min, config.black_level_levels.max)),
        read_noise_levels=float(rng.uniform(config.read_noise_levels.min, config.read_noise_levels.max)),
        shot_noise_levels=float(rng.uniform(config.shot_noise_levels.min, config.shot_noise_levels.max)),
        blur_px=float(rng.uniform(config.blur_px.min, config.blur_px.max)),
    )


def _sun(rng: np.random.Generator) -> Array:
    """From behind the camera to a little behind the object, but not into the lens."""
    while True:
        sun = direction(rng)
        if sun[2] < 0.3:
            return sun
