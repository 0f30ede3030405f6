"""What is behind the object: black space with stars, or the Earth's limb. Linear radiance."""

import cv2
import numpy as np

from train.synth.camera import Camera
from train.synth.mesh import Array
from train.synth.noise import fractal, look_up
from train.synth.rotation import direction


def stars(image_px: int, rng: np.random.Generator) -> Array:
    """Dense faint stars and a few coloured bright ones: float32 [image_px, image_px, 3]."""
    sky = np.zeros((image_px, image_px, 3), np.float32)
    density = (image_px / 512) ** 2
    faint = rng.integers(0, image_px, (rng.poisson(rng.uniform(200, 1600) * density), 2))
    sky[faint[:, 0], faint[:, 1]] = (0.002 + rng.exponential(0.006, (len(faint), 1))) * rng.uniform(
        0.8, 1.2, (len(faint), 3)
    )
    for _ in range(rng.poisson(14 * density)):
        x, y = (int(v) for v in rng.integers(0, image_px, 2))
        colour = np.clip(rng.normal(1, 0.25, 3), 0.3, 1.5) * rng.exponential(0.25)
        radius = 1 if rng.random() < 0.9 else int(rng.integers(2, 4))
        cv2.circle(sky, (x, y), radius, colour.tolist(), -1, cv2.LINE_AA)
    return sky


def earth(camera: Camera, sun: Array, rng: np.random.Generator) -> Array:
    """The Earth, partly in the frame: float32 [image_px, image_px, 3].

    The sun is as on the object, so that both are lit from one side.
    """
    size = max(64, camera.image_px // 2)  # it is soft anyway
    pixel = (np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1) + 0.5) * camera.image_px / size
    rays = camera.ray(pixel).astype(np.float32)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    centre, radius = _where(camera, rng)
    along = rays @ centre
    nearest = np.sqrt(np.maximum(centre @ centre - along**2, 0))  # the ray's distance from the middle
    chord = np.sqrt(np.maximum(radius**2 - nearest**2, 0))
    normal = (rays * (along - chord)[..., None] - centre) / radius
    day = _daylight(normal @ sun.astype(np.float32))
    surface = _ground(normal, rng) * day[..., None]
    haze = np.clip(1 - chord / (0.55 * radius), 0, 1)[..., None] ** 2
    surface = surface * (1 - 0.6 * haze) + np.array([0.25, 0.42, 0.75]) * haze * day[..., None]
    softness = 0.004 * radius
    inside = np.clip((radius - nearest) / softness + 0.5, 0, 1)[..., None]
    rim = np.exp(-np.clip(nearest - radius, 0, None) / (0.012 * radius))[..., None]
    limb = (rays * along[..., None] - centre) / np.maximum(nearest, 1e-6)[..., None]
    glow = _daylight(limb @ sun.astype(np.float32))[..., None]
    air = np.array([0.12, 0.25, 0.5]) * rim * glow
    image = (surface * inside + air * (1 - inside)).astype(np.float32)
    return cv2.resize(image, (camera.image_px, camera.image_px), interpolation=cv2.INTER_LINEAR)


def _daylight(height: Array) -> Array:
    """Sunlight by the sine of the sun's height: fades out softly through dusk, as air makes it."""
    up = np.clip(height + 0.15, 0, None)
    return up * up / (up + 0.25)


def _where(camera: Camera, rng: np.random.Generator) -> tuple[Array, float]:
    """The Earth's middle [3] and radius, in a unit of its own, with the limb somewhere in the frame."""
    angle = np.radians(rng.uniform(25, 65))  # from the middle to the limb, as seen from the orbit
    side = direction(rng) * [1, 1, 0]
    side /= np.linalg.norm(side)
    reach = np.arctan(0.5 * camera.image_px / camera.focal_px)
    axis = angle + rng.uniform(-0.7, 0.9) * reach  # 0: the limb runs through the image's middle
    centre = np.array([*(np.sin(axis) * side[:2]), np.cos(axis)])
    return centre.astype(np.float32), float(np.sin(angle))


def _ground(normal: Array, rng: np.random.Generator) -> Array:
    """Sea, land and clouds for points [..., 3] of the unit sphere."""
    shape = normal.shape[:-1]
    n = normal.reshape(-1, 3).astype(np.float64)
    axis = direction(rng)
    other = np.cross(axis, direction(rng))
    uv = np.stack([n @ axis, n @ other / np.linalg.norm(other)], 1) + rng.uniform(1, 3, 2)
    land = np.clip(look_up(fractal(), uv, 0.5) * 2 - 0.8, 0, 1)[:, None]
    cover = rng.uniform(-0.6, 0.6)
    cloud = look_up(fractal(), uv + 0.37, 1.0) + 0.6 * look_up(fractal(), uv * [1, 1.7], 2.7)
    cloud = np.clip(0.6 * cloud + cover, 0, 1)[:, None]
    ground = np.array([0.012, 0.035, 0.09]) * (1 - land) + np.array([0.11, 0.1, 0.06]) * land
    return (ground * (1 - cloud) + 0.75 * cloud).reshape(*shape, 3).astype(np.float32)
