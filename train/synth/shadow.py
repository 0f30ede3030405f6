"""Shadows that a body casts on itself."""

import numpy as np

from train.synth.mesh import Array, Mesh
from train.synth.raster import Raster, faces_at


class ShadowMap:
    """The body as the sun sees it."""

    def __init__(self, mesh: Mesh, sun: Array, raster: Raster) -> None:
        """
        Args:
            sun: unit vector towards the sun, body frame.
        """
        side = np.cross(sun, np.eye(3)[int(np.argmin(np.abs(sun)))])
        side /= np.linalg.norm(side)
        self._axes = np.stack([side, np.cross(-sun, side), -sun])  # x right, y down, z away from the sun
        seen = mesh.points @ self._axes.T
        self._reach = float(np.linalg.norm(mesh.points, axis=1).max()) * 1.01
        self._start = self._reach + 1.0  # the drawing camera stands before everything
        self._side_px = raster.side_px
        self._picture = raster.parallel(seen + np.array([0, 0, self._start]), mesh.faces, self._reach)
        a, b, c = (seen[mesh.faces[:, k]] for k in range(3))
        normal = np.cross(b - a, c - a)
        depth = np.where(np.abs(normal[:, 2]) < 1e-9, 1e-9, normal[:, 2])
        # Each face's plane as z = p x + q y + r: its exact depth at any place of the map.
        self._plane = np.stack(
            [-normal[:, 0] / depth, -normal[:, 1] / depth, np.einsum("ij,ij->i", normal, a) / depth], 1
        )
        self._depth_range = np.stack([seen[mesh.faces, 2].min(axis=1), seen[mesh.faces, 2].max(axis=1)], 1)

    def lit(self, points: Array, face: Array) -> Array:
        """Whether the sun reaches surface points [N, 3] on faces [N]: float32 [N], 1 or 0."""
        seen = points @ self._axes.T
        pixel = ((seen[:, :2] / self._reach + 1) * (self._side_px / 2)).astype(np.int64)
        column, row = np.clip(pixel, 0, self._side_px - 1).T
        first = faces_at(self._picture[row, column])
        p, q, r = self._plane[first].T
        depth = np.clip(p * seen[:, 0] + q * seen[:, 1] + r, *self._depth_range[first].T)
        bias = 4 * self._reach / self._side_px  # the map's pixels are this wide, times two
        return ((first < 0) | (first == face) | (depth > seen[:, 2] - bias)).astype(np.float32)
