"""How the body of a track moves: a slow tumble and a slow drift, both smooth."""

from dataclasses import dataclass, replace

import numpy as np

from train.synth.camera import Camera, Pose
from train.synth.mesh import Array
from train.synth.placing import place
from train.synth.rotation import about, direction
from train.synth.targets import Target


@dataclass(frozen=True)
class Motion:
    """
    Attributes:
        middle: the pose half-way.
        precession, spin: rotation vectors for the whole track, radians; the first is fixed in the camera's
            frame, the second in the body's.
        drift_m: the path from the middle to the end.
    """

    middle: Pose
    precession: Array
    spin: Array
    drift_m: Array

    def at(self, progress: float) -> Pose:
        """The pose at `progress`, 0 at the first frame and 1 at the last."""
        t = progress - 0.5
        rotation = _turn(self.precession * t) @ self.middle.rotation @ _turn(self.spin * t)
        return Pose(rotation, self.middle.translation_m + self.drift_m * t * 2)


def draw(points: Array, target: Target, camera: Camera, rng: np.random.Generator) -> Motion:
    """A motion that stays in the frame, or nearly."""
    side = float(np.clip(target.side_px, 0.18 * camera.image_px, 0.42 * camera.image_px))
    calm = replace(target, side_px=side, place=0.3 + 0.4 * target.place, overhang=0.0)
    middle = place(points, calm, camera, rng)
    depth = middle.translation_m[2]
    shift_px = rng.uniform(-0.08, 0.08, 2) * camera.image_px
    drift = np.array([*(shift_px / camera.focal_px * depth), rng.uniform(-0.15, 0.15) * depth])
    return Motion(
        middle,
        direction(rng) * np.radians(rng.uniform(15, 60)),
        direction(rng) * np.radians(rng.uniform(60, 200)),
        drift,
    )


def _turn(vector: Array) -> Array:
    angle = float(np.linalg.norm(vector))
    return about(vector / max(angle, 1e-12), angle)
