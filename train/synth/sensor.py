"""The camera's sensor: from linear radiance to noisy 8-bit levels."""

import cv2
import numpy as np

from onboard.image import Frame
from train.synth.mesh import Array
from train.synth.targets import Target

GAMMA = 1 / 2.2
BRIGHTEST = 12.0
"""The longest exposure, over the one that shows a sunlit white surface at full scale; else thin objects glare."""


def bloom(radiance: Array) -> Array:
    """Light that spills out of saturated highlights, as around sunlit foil."""
    excess = np.clip(radiance - 1, 0, 8)
    if not excess.any():
        return radiance
    size = radiance.shape[0]
    small = cv2.resize(excess, (size // 4, size // 4), interpolation=cv2.INTER_AREA)
    glow = 0.1 * cv2.GaussianBlur(small, (0, 0), size / 250) + 0.05 * cv2.GaussianBlur(small, (0, 0), size / 70)
    return radiance + cv2.resize(glow, (size, size), interpolation=cv2.INTER_LINEAR)


def levels(radiance: Array, black_level: float) -> Array:
    """Linear radiance to levels 0..255, float32, without noise."""
    return black_level + (255 - black_level) * np.clip(radiance, 0, 1) ** np.float32(GAMMA)


def expose(radiance: Array, target: Target, rng: np.random.Generator) -> Frame:
    """Take the picture.

    Args:
        radiance: float32 [H, W, 3], linear, 1 at full scale; brighter blooms.

    Returns:
        uint8 RGB [H, W, 3].
    """
    sharp = bloom(radiance)
    image = cv2.GaussianBlur(sharp, (0, 0), target.blur_px) if target.blur_px > 0.2 else sharp
    image = levels(image, target.black_level)
    signal = np.clip(image - target.black_level, 0, 255) / 255
    spread = np.sqrt(target.read_noise_levels**2 + target.shot_noise_levels**2 * signal)
    # Most of the noise is grey, as after a camera's own colour interpolation.
    grain = 0.8 * rng.standard_normal(image.shape[:2], np.float32)[..., None]
    grain = grain + 0.6 * rng.standard_normal(image.shape, np.float32)
    return np.clip(np.rint(image + spread * grain), 0, 255).astype(np.uint8)


def gain_for(radiance: Array, cover: Array, behind: Array, brightness_levels: float) -> float:
    """The light on the object that gives a region the wanted mean.

    Args:
        radiance, cover: the object's part [H, W, 3] and [H, W] of the region.
        behind: the background's radiance [H, W, 3] there.
        brightness_levels: the wanted mean, at a black level of 0; it is missed where `BRIGHTEST` is not enough.
    """
    low, high = np.log(0.02), np.log(BRIGHTEST)
    back = behind * (1 - cover[..., None])
    for _ in range(10):
        middle = (low + high) / 2
        if levels(back + np.float32(np.exp(middle)) * radiance, 0).mean() < brightness_levels:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))
