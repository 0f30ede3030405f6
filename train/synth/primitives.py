"""The few shapes that everything is built from: box, lathe, rod, sheet."""

from collections.abc import Sequence

import numpy as np

from train.synth.mesh import Array, Mesh, join, surface


def _grid_faces(rows: int, columns: int) -> Array:
    """Two triangles [2 * rows * columns, 3] for each cell of a grid of (rows + 1) x (columns + 1) points."""
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    a, b, c, d = corner, corner + 1, corner + columns + 2, corner + columns + 1
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def sheet(width: float, height: float, material: int, cuts: int = 1) -> Mesh:
    """A flat rectangle in the x-y plane, its middle at the origin, cut into `cuts` x `cuts` cells."""
    v, u = np.meshgrid(np.linspace(0, height, cuts + 1), np.linspace(0, width, cuts + 1), indexing="ij")
    points = np.stack([u.ravel() - width / 2, v.ravel() - height / 2, np.zeros(u.size)], 1)
    return surface(points, np.stack([u.ravel(), v.ravel()], 1), _grid_faces(cuts, cuts), material)


def box(x: float, y: float, z: float, material: int, ends: int | None = None, cuts: int = 1) -> Mesh:
    """A box of these sides about the origin; `ends` is the material of the two faces across z."""
    sides = []
    for width, height, depth, axis in ((x, y, z, ""), (x, z, y, "x"), (z, y, x, "y")):
        for far in (-1, 1):
            face = sheet(width, height, material if axis or ends is None else ends, cuts).at(z=far * depth / 2)
            sides.append(face.turned(axis, 90) if axis else face)
    return join(sides)


def lathe(
    profile: Sequence[tuple[float, float]],
    material: int,
    segments: int = 28,
    arc_degrees: float = 360,
    smooth: bool = False,
) -> Mesh:
    """A surface of revolution about z.

    Args:
        profile: (radius, z) pairs in metres, in order.
        material: of the whole surface.
        segments: flat pieces around the arc.
        arc_degrees: less than 360 leaves a gap.
        smooth: shade across the profile's corners as if they were round (dishes, spheres).
    """
    angle = np.linspace(0, np.radians(arc_degrees), segments + 1)
    bands = [profile] if smooth else [profile[i : i + 2] for i in range(len(profile) - 1)]
    parts = []
    for band in bands:
        radius, z = np.array(band, float).T
        run = np.concatenate([[0], np.cumsum(np.hypot(np.diff(radius), np.diff(z)))])
        points = np.stack(
            [
                np.outer(radius, np.cos(angle)),
                np.outer(radius, np.sin(angle)),
                np.outer(z, np.ones_like(angle)),
            ],
            -1,
        ).reshape(-1, 3)
        uv = np.stack([np.outer(np.full(len(radius), radius.max()), angle), np.outer(run, np.ones_like(angle))], -1)
        parts.append(surface(points, uv.reshape(-1, 2), _grid_faces(len(radius) - 1, segments), material))
    return join(parts)


def drum(radius: float, height: float, material: int, ends: int | None = None, segments: int = 28) -> Mesh:
    """A closed cylinder about z, its middle at the origin."""
    half = height / 2
    caps = material if ends is None else ends
    return join(
        [
            lathe([(radius, -half), (radius, half)], material, segments),
            lathe([(0, half), (radius, half)], caps, segments),
            lathe([(0, -half), (radius, -half)], caps, segments),
        ]
    )


def ball(radius: float, material: int, stretch: float = 0.0) -> Mesh:
    """A sphere, or a capsule with a straight middle of length `stretch` along z."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 16)
    profile = [(radius * float(np.cos(a)), radius * float(np.sin(a)) + np.sign(a) * stretch / 2) for a in angle]
    return lathe(profile, material, smooth=True)


def bowl(radius: float, depth: float, material: int, cuts: int = 9, segments: int = 28) -> Mesh:
    """A paraboloid that opens towards +z, its vertex at the origin."""
    profile = [(radius * float(s), depth * float(s) ** 2) for s in np.linspace(0, 1, cuts)]
    return lathe(profile, material, segments, smooth=True)


def rod(start: Sequence[float], end: Sequence[float], radius: float, material: int) -> Mesh:
    """A thin six-sided bar between two points."""
    a, b = np.array(start, float), np.array(end, float)
    length = float(np.linalg.norm(b - a))
    z = (b - a) / length
    x = np.cross(z, np.eye(3)[int(np.argmin(np.abs(z)))])
    x /= np.linalg.norm(x)
    bar = drum(radius, length, material, segments=6).at(z=length / 2)
    points = bar.points @ np.stack([x, np.cross(z, x), z]) + a
    return Mesh(points, bar.faces, bar.uv, bar.material, bar.scorch)
