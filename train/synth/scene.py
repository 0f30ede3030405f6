"""One image: a body, its pose, its light, its background and its exposure."""

from dataclasses import dataclass

import numpy as np

from onboard.image import Frame
from train.synth import background, sensor
from train.synth.body import Body
from train.synth.camera import Camera, Pose
from train.synth.mesh import Array
from train.synth.raster import Raster
from train.synth.shade import Light, Shaded, shade
from train.synth.targets import Target

OVERSAMPLING = 2
"""Rays per pixel and axis: thin booms need more than one."""

Box = tuple[int, int, int, int]
"""x_min, y_min, x_max, y_max, pixel edges."""


@dataclass(frozen=True)
class Scene:
    """All that stays the same while a body moves; `behind` is linear radiance [image_px, image_px, 3]."""

    body: Body
    camera: Camera
    target: Target
    behind: Array

    def shaded(self, pose: Pose, raster: Raster) -> Shaded:
        return shade(self.body, pose, self.camera, Light(self.target.sun, self.target.earth_light), raster)

    def gain(self, seen: Shaded) -> float:
        """The light that gives the body's box its target's brightness."""
        if seen.box is None:
            return 1.0
        x0, y0, x1, y1 = seen.box
        step = max(1, int(np.sqrt((x1 - x0) * (y1 - y0)) / 100))
        region = (slice(y0, y1, step), slice(x0, x1, step))
        behind = self.behind[region]
        wanted = self.target.brightness_levels * (255 / (255 - self.target.black_level))
        if self.target.earth:  # before a bright Earth the box cannot be dark: ask for about what is there
            wanted = max(wanted, float(sensor.levels(behind, 0).mean()))
        return sensor.gain_for(seen.radiance[region], seen.cover[region], behind, wanted)

    def picture(self, seen: Shaded, gain: float, rng: np.random.Generator) -> Frame:
        """The image, uint8 RGB [image_px, image_px, 3]."""
        light = self.behind * (1 - seen.cover[..., None]) + np.float32(gain) * seen.radiance
        return sensor.expose(light, self.target, rng)


def compose(body: Body, camera: Camera, target: Target, rng: np.random.Generator) -> Scene:
    """A scene with the background that the target asks for."""
    behind = background.stars(camera.image_px, rng)
    if target.earth:
        globe = background.earth(camera, target.sun, rng)
        brightness = float(rng.uniform(0.15, 0.6))
        behind = np.where(globe.max(axis=-1, keepdims=True) > 0.01, 0, behind) + brightness * globe
    return Scene(body, camera, target, behind.astype(np.float32))
