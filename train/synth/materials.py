"""What surfaces are made of; satellites and debris share them all, so that a material tells nothing."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from train.synth.mesh import Array
from train.synth.noise import fractal, look_up


class Material(IntEnum):
    GOLD = 0
    SILVER = 1
    CELLS = 2
    WHITE = 3
    CARBON = 4
    METAL = 5
    BLACK = 6
    GREY = 7


@dataclass(frozen=True)
class Look:
    """How a material answers light.

    Attributes:
        colour: linear RGB reflectance.
        diffuse, specular: shares of the light, scattered and mirrored.
        gloss: exponent of the highlight; higher is sharper.
        crinkle: tilt of the facets, 0 for smooth.
        metallic: whether highlights take the material's colour.
    """

    colour: tuple[float, float, float]
    diffuse: float
    specular: float
    gloss: float
    crinkle: float = 0.0
    metallic: bool = False


LOOKS = {
    Material.GOLD: Look((1.0, 0.58, 0.16), 0.22, 0.85, 24, 0.33, True),
    Material.SILVER: Look((0.9, 0.9, 0.93), 0.16, 0.8, 28, 0.3, True),
    Material.CELLS: Look((0.05, 0.065, 0.13), 0.8, 0.12, 90),
    Material.WHITE: Look((0.82, 0.82, 0.78), 0.9, 0.04, 12),
    Material.CARBON: Look((0.06, 0.06, 0.065), 0.9, 0.08, 14),
    Material.METAL: Look((0.6, 0.59, 0.57), 0.35, 0.55, 18, 0.05, True),
    Material.BLACK: Look((0.015, 0.015, 0.017), 1.0, 0.05, 60),
    Material.GREY: Look((0.3, 0.31, 0.33), 0.9, 0.08, 16, 0.02),
}


def albedo(material: Material, uv: Array, tint: Array) -> Array:
    """Reflectance [N, 3] at surface coordinates `uv` [N, 2] in metres.

    Args:
        tint: float [3], the instance's own shade of the material, about 1.
    """
    colour = np.array(LOOKS[material].colour, np.float32) * tint.astype(np.float32)
    stain = look_up(fractal(), uv, 0.25)
    if material == Material.CELLS:
        return _cells(uv, colour)
    if material in (Material.WHITE, Material.GREY):
        shade = (1 + 0.06 * stain) * np.where(_seams(uv, 0.45, 0.012), 0.45, 1.0)
    elif material == Material.CARBON:
        weave = np.sign(np.sin(uv[:, 0] * 160) * np.sin(uv[:, 1] * 160))
        shade = 1 + 0.15 * weave + 0.1 * stain
    elif material == Material.METAL:
        shade = (1 + 0.16 * stain) * np.where(_seams(uv, 0.6, 0.015), 0.6, 1.0)
    elif material in (Material.GOLD, Material.SILVER):
        shade = (1 + 0.08 * stain) * np.where(_seams(uv, 0.7, 0.02), 0.35, 1.0)
    else:
        shade = 1 + 0.1 * stain
    return colour * np.clip(shade, 0.1, 2)[:, None].astype(np.float32)


def _cells(uv: Array, colour: Array) -> Array:
    """Solar cells of 16 x 8 cm: pale gaps between them, and no two strings of quite the same blue."""
    cell = uv * np.array([1 / 0.16, 1 / 0.08])
    string = np.floor(cell / np.array([4, 6])).astype(np.int64)
    shade = 1 + 0.1 * (((string[:, 0] * 7 + string[:, 1] * 13) % 5) - 2)
    result = colour * shade[:, None].astype(np.float32)
    u, v = uv.T
    result[_stripes(u, 0.16, 0.01) | _stripes(v, 0.08, 0.006)] = (0.2, 0.2, 0.19)
    result[_stripes(u, 1.28, 0.05)] = (0.5, 0.48, 0.42)
    return result


def _seams(uv: Array, pitch_m: float, width_m: float) -> Array:
    """True [N] on the lines of a square grid."""
    return _stripes(uv[:, 0], pitch_m, width_m) | _stripes(uv[:, 1], pitch_m, width_m)


def _stripes(along: Array, pitch_m: float, width_m: float) -> Array:
    return np.mod(along, pitch_m) < width_m
