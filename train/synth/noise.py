"""Noise that textures and dents are made of. The tiles never change; seeds choose where to look."""

from functools import lru_cache

import cv2
import numpy as np

from train.synth.mesh import Array

TILE_PX = 512


@lru_cache
def fractal() -> Array:
    """Cloud-like noise, float32 [TILE_PX, TILE_PX], mean 0, standard deviation 1, seamless when repeated."""
    rng = np.random.default_rng(20)
    frequency = np.hypot(np.fft.fftfreq(TILE_PX)[:, None], np.fft.rfftfreq(TILE_PX)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((TILE_PX, TILE_PX))) / frequency**1.6
    tile = np.fft.irfft2(spectrum, (TILE_PX, TILE_PX))
    return ((tile - tile.mean()) / tile.std()).astype(np.float32)


@lru_cache
def crinkle() -> Array:
    """Facets of crumpled foil: float32 [TILE_PX, TILE_PX, 3], a tilt in each direction, of length about 1."""
    rng = np.random.default_rng(21)
    total = np.zeros((TILE_PX, TILE_PX, 3), np.float32)
    for cells, weight in ((150, 0.8), (1200, 0.5)):
        seeds = np.ones((TILE_PX, TILE_PX), np.uint8)
        seeds[tuple(rng.integers(0, TILE_PX, (2, cells)))] = 0
        label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
        total += weight * rng.standard_normal((int(label.max()) + 1, 3)).astype(np.float32)[label]
    return cv2.GaussianBlur(total, (0, 0), 1.2) / np.sqrt(3)


def look_up(tile: Array, uv: Array, per_metre: float) -> Array:
    """Values [N] or [N, C] of a repeated tile at `uv` [N, 2], `per_metre` tiles to the metre."""
    column, row = (uv * (per_metre * TILE_PX)).astype(np.int64).T & (TILE_PX - 1)
    return tile[row, column]


def waves(points: Array, size_m: float, rng: np.random.Generator) -> Array:
    """A smooth random field [V] about -1..1 over `points` [V, 3], with features of about `size_m` metres."""
    wave = rng.standard_normal((6, 3)) * (2.2 / size_m)
    phase = rng.uniform(0, 2 * np.pi, 6)
    return np.sin(points @ wave.T + phase).sum(axis=1) / 2.5
