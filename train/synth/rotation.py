"""Rotations: matrices [3, 3] and unit quaternions (w, x, y, z)."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def about(axis: Array, angle_rad: float) -> Array:
    """The rotation by `angle_rad` about a unit `axis` (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross


def direction(rng: np.random.Generator) -> Array:
    """A unit vector, all directions equally likely."""
    vector = rng.standard_normal(3)
    return vector / np.linalg.norm(vector)


def uniform(rng: np.random.Generator) -> Array:
    """A rotation matrix, all rotations equally likely."""
    return matrix(rng.standard_normal(4))


def matrix(quaternion: Array) -> Array:
    """The rotation matrix of a quaternion (w, x, y, z) of any length but 0."""
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion(rotation: Array) -> Array:
    """The unit quaternion (w, x, y, z) of a rotation matrix; of the two, the one with w >= 0."""
    # The eigenvector of Bar-Itzhack's matrix: no branches, and no loss of digits near a half turn.
    r = rotation
    k = np.array(
        [
            [r[0, 0] + r[1, 1] + r[2, 2], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], r[0, 0] - r[1, 1] - r[2, 2], r[1, 0] + r[0, 1], r[2, 0] + r[0, 2]],
            [r[0, 2] - r[2, 0], r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], r[2, 1] + r[1, 2]],
            [r[1, 0] - r[0, 1], r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1]],
        ]
    )
    best = np.linalg.eigh(k)[1][:, -1]
    return best if best[0] >= 0 else -best
