"""Finds the pose that gives a target's box."""

import numpy as np

from train.synth.camera import Camera, Pose
from train.synth.mesh import Array
from train.synth.rotation import uniform
from train.synth.targets import Target

ORIENTATIONS = 24
"""Random orientations to choose from; the one whose box comes nearest to the wanted aspect is taken."""


def place(points: Array, target: Target, camera: Camera, rng: np.random.Generator) -> Pose:
    """The pose whose box has the target's size and place and, nearly, its aspect.

    Args:
        points: the body's vertices [V, 3], metres.
    """
    rotation = _orientation(points, target, rng)
    across = float(np.linalg.norm(points, axis=1).max())
    pose = Pose(rotation, np.array([0, 0, 2 * across * camera.focal_px / target.side_px]))
    for _ in range(6):  # each step corrects the distance and the direction; perspective makes it more than one
        x0, y0, x1, y1 = extent_px(points, pose, camera)
        depth = pose.translation_m[2] * np.sqrt((x1 - x0) * (y1 - y0)) / target.side_px
        depth = max(float(depth), 1.5 * across)  # the camera stays outside of the object
        wanted = _middle(target, x1 - x0, y1 - y0, camera.image_px)
        origin = camera.project(pose.translation_m)
        offset = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) - origin
        pose = Pose(rotation, camera.ray(wanted - offset) * depth)
    return pose


def extent_px(points: Array, pose: Pose, camera: Camera) -> tuple[float, float, float, float]:
    """x_min, y_min, x_max, y_max of the projected vertices, unclipped."""
    pixels = camera.project(pose.to_camera(points))
    (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _orientation(points: Array, target: Target, rng: np.random.Generator) -> Array:
    candidates = [uniform(rng) for _ in range(ORIENTATIONS)]
    some = points[:: max(1, len(points) // 400)]
    sizes = np.array([np.ptp(some @ r[:2].T, axis=0) for r in candidates])
    miss = np.abs(np.log(sizes[:, 0] / sizes[:, 1]) - target.log_aspect)
    return candidates[int(np.argmin(miss))]


def _middle(target: Target, width: float, height: float, image_px: int) -> Array:
    """Where the box's middle goes, pixels [2]."""
    size = np.array([width, height])
    margin = np.minimum(size / 2 + 2, image_px / 2)
    middle = margin + target.place * (image_px - 2 * margin)
    if target.overhang:
        axis, far = target.border % 2, target.border >= 2
        inside = size[axis] * (0.5 - target.overhang)
        middle[axis] = image_px - inside if far else inside
    return middle
