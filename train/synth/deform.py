"""What happens to an object in orbit when it ends badly: bends, dents, tears, burns."""

from dataclasses import replace

import numpy as np

from train.synth.mesh import Array, Mesh, vertex_normals
from train.synth.noise import waves


def extent(mesh: Mesh) -> float:
    """The diagonal of the mesh's bounding box, in metres."""
    return float(np.linalg.norm(mesh.points.max(axis=0) - mesh.points.min(axis=0)))


def bend(mesh: Mesh, degrees: float, along: str = "x", towards: str = "z") -> Mesh:
    """Roll the mesh up about an axis across `along`, so that its ends point `degrees` apart."""
    i, j = "xyz".index(along), "xyz".index(towards)
    length = float(np.ptp(mesh.points[:, i])) or 1.0
    if abs(degrees) < 1:
        return mesh
    radius = length / np.radians(degrees)
    angle = mesh.points[:, i] / radius
    points = mesh.points.copy()
    points[:, i] = (radius - mesh.points[:, j]) * np.sin(angle)
    points[:, j] = radius - (radius - mesh.points[:, j]) * np.cos(angle)
    return replace(mesh, points=points)


def dent(mesh: Mesh, depth_m: float, size_m: float, rng: np.random.Generator) -> Mesh:
    """Push the surface in and out by up to about `depth_m`."""
    # One field for each axis and not along the normals: split vertices at an edge must stay together.
    shift = np.stack([waves(mesh.points, size_m, rng) for _ in range(3)], 1)
    return replace(mesh, points=mesh.points + depth_m * shift)


def tear(mesh: Mesh, share: float, size_m: float, rng: np.random.Generator) -> Mesh:
    """Remove about `share` of the faces, in patches, ragged at their edges."""
    middle = mesh.points[mesh.faces].mean(axis=1)
    field = waves(middle, size_m, rng) + 0.35 * waves(middle, size_m / 5, rng)
    return keep(mesh, field >= np.quantile(field, share))


def cut(mesh: Mesh, share: float, rng: np.random.Generator, axis: str | None = None) -> Mesh:
    """Break off about `share` of the mesh along a ragged plane."""
    normal = rng.standard_normal(3) if axis is None else np.eye(3)["xyz".index(axis)]
    middle = mesh.points[mesh.faces].mean(axis=1)
    size = extent(mesh)
    side = middle @ normal / np.linalg.norm(normal) + 0.05 * size * waves(middle, size / 6, rng)
    return keep(mesh, side >= np.quantile(side, share))


def scorch(mesh: Mesh, mean: float, size_m: float, rng: np.random.Generator) -> Mesh:
    """Burn the surface in patches."""
    field = mean + 0.45 * waves(mesh.points, size_m, rng) * min(1.0, 4 * mean)
    return replace(mesh, scorch=np.clip(np.maximum(mesh.scorch, field), 0, 1))


def thicken(mesh: Mesh, thickness_m: float, back: int) -> Mesh:
    """Add a second skin of the material `back` behind the surface, so that a torn edge is not a knife's."""
    count = len(mesh.points)
    points = np.concatenate([mesh.points, mesh.points - thickness_m * vertex_normals(mesh)])
    edges = _open_edges(mesh.faces)
    a, b = edges.T
    rim = np.concatenate([np.stack([a, b, b + count], 1), np.stack([a, b + count, a + count], 1)])
    faces = np.concatenate([mesh.faces, mesh.faces[:, ::-1] + count, rim])
    skin = np.full(len(mesh.faces) + len(rim), int(back))
    return Mesh(
        points,
        faces,
        np.tile(mesh.uv, (2, 1)),
        np.concatenate([mesh.material, skin]),
        np.tile(mesh.scorch, 2),
    )


def keep(mesh: Mesh, chosen: Array) -> Mesh:
    """Only the faces where `chosen` [F] is true, and only the points that they use."""
    faces = mesh.faces[chosen]
    used, inverse = np.unique(faces, return_inverse=True)
    return Mesh(mesh.points[used], inverse.reshape(-1, 3), mesh.uv[used], mesh.material[chosen], mesh.scorch[used])


def _open_edges(faces: Array) -> Array:
    """The edges [E, 2] that belong to one face only."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, first, count = np.unique(np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True)
    return edges[first[count == 1]]
