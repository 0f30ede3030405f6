"""Triangle meshes in a body's frame, and how they are put together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from train.synth.rotation import about

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Mesh:
    """Triangles with what shading needs.

    Attributes:
        points: float64 [V, 3], metres.
        faces: int64 [F, 3], rows of `points`.
        uv: float64 [V, 2], metres along the surface: where textures are looked up.
        material: int64 [F], values of `Material`.
        scorch: float64 [V], 0 (clean) to 1 (burnt black).
    """

    points: Array
    faces: Array
    uv: Array
    material: Array
    scorch: Array

    def at(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Mesh":
        """Move by (x, y, z) metres."""
        return replace(self, points=self.points + np.array([x, y, z]))

    def turned(self, axis: str, degrees: float) -> "Mesh":
        """Rotate about the frame's axis `x`, `y` or `z`."""
        vector = np.eye(3)["xyz".index(axis)]
        return replace(self, points=self.points @ about(vector, np.radians(degrees)).T)

    def scaled(self, x: float, y: float, z: float) -> "Mesh":
        return replace(self, points=self.points * np.array([x, y, z]))

    def painted(self, material: int) -> "Mesh":
        return replace(self, material=np.full(len(self.faces), int(material)))


def surface(points: Array, uv: Array, faces: Array, material: int) -> Mesh:
    """A clean mesh of one material."""
    return Mesh(points, faces, uv, np.full(len(faces), int(material)), np.zeros(len(points)))


def join(parts: Iterable[Mesh]) -> Mesh:
    """One mesh from many."""
    meshes = list(parts)
    starts = np.cumsum([0] + [len(m.points) for m in meshes[:-1]])
    return Mesh(
        np.concatenate([m.points for m in meshes]),
        np.concatenate([m.faces + start for m, start in zip(meshes, starts, strict=True)]),
        np.concatenate([m.uv for m in meshes]),
        np.concatenate([m.material for m in meshes]),
        np.concatenate([m.scorch for m in meshes]),
    )


def centred(mesh: Mesh) -> Mesh:
    """Move the middle of the extent to the origin, so that the origin projects near the box's middle."""
    middle = (mesh.points.min(axis=0) + mesh.points.max(axis=0)) / 2
    return replace(mesh, points=mesh.points - middle)


def vertex_normals(mesh: Mesh) -> Array:
    """Unit normals [V, 3]: the mean of the adjoining faces, weighted by their area."""
    a, b, c = (mesh.points[mesh.faces[:, k]] for k in range(3))
    per_face = np.cross(b - a, c - a)
    total = np.zeros_like(mesh.points)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(mesh.faces[:, corner], per_face[:, axis], len(total))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
