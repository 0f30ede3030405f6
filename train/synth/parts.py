"""Parts that several satellites share."""

from collections.abc import Sequence

import numpy as np

from train.synth.materials import Material as M  # noqa: N817  every line below names some
from train.synth.mesh import Mesh, join
from train.synth.primitives import bowl, box, drum, lathe, rod


def wing(length: float, width: float, angle_degrees: float, panels: int = 3, gap: float = 0.5) -> Mesh:
    """A solar wing that starts at the origin and runs along +y, turned about y by its drive."""
    parts = [rod((0, 0, 0), (0, gap, 0), 0.03, M.METAL)]
    size = length / panels
    for i in range(panels):
        centre = gap + (i + 0.5) * size
        parts.append(box(width, size * 0.95, 0.02, M.GREY).at(y=centre, z=-0.015))
        parts.append(box(width * 0.98, size * 0.93, 0.02, M.CELLS).at(y=centre))
        parts.append(rod((-width * 0.3, centre - size / 2, 0), (width * 0.3, centre - size / 2, 0), 0.025, M.METAL))
    return join(parts).turned("y", angle_degrees)


def pair(half: Mesh, offset: float) -> Mesh:
    """The same part on +y and, turned half round z, on -y."""
    moved = half.at(y=offset)
    return join([moved, moved.turned("z", 180)])


def dish(radius: float, material: int = M.WHITE) -> Mesh:
    """A dish antenna that looks along +z, with a feed on three struts."""
    focus = radius * 0.9
    struts = [
        rod(
            (radius * 0.8 * np.cos(a), radius * 0.8 * np.sin(a), radius * 0.22),
            (0, 0, focus),
            radius * 0.02,
            M.GREY,
        )
        for a in np.radians([0, 120, 240])
    ]
    back = lathe([(radius * 0.3, -radius * 0.2), (radius * 0.3, 0.02)], M.GREY, 16)
    return join(
        [
            bowl(radius, radius * 0.35, material),
            back,
            drum(radius * 0.1, radius * 0.2, M.GREY, segments=12).at(z=focus),
            *struts,
        ]
    )


def tube(radius: float, length: float, outside: int, inside: int = M.BLACK) -> Mesh:
    """A telescope's baffle: open at +z, dark inside, a mirror at its floor; it stands on the origin."""
    return join(
        [
            lathe([(0, 0), (radius, 0), (radius, length), (radius * 0.92, length)], outside),
            lathe([(radius * 0.92, length), (radius * 0.9, length * 0.1)], inside),
            lathe([(radius * 0.9, length * 0.1), (0, length * 0.06)], M.SILVER),
        ]
    )


def thruster(radius: float) -> Mesh:
    """A nozzle that opens towards -z from the origin."""
    return lathe([(radius * 0.3, 0), (radius * 0.4, -radius * 0.4), (radius, -radius * 2)], M.METAL, 18, smooth=True)


def clutter(x: float, y: float, z: float, rng: np.random.Generator, count: int = 6) -> Mesh:
    """Boxes, sensors and radiators on the +z and +x faces of a box of these sides."""
    parts = []
    for _ in range(count):
        a, b = rng.uniform(0.08, 0.3, 2)
        height = rng.uniform(0.03, 0.2) * min(x, y, z)
        material = int(rng.choice([M.WHITE, M.BLACK, M.GREY, M.SILVER, M.GOLD, M.METAL]))
        u, v = rng.uniform(-0.35, 0.35, 2)
        if rng.random() < 0.6:
            parts.append(box(a * x, b * y, height, material).at(u * x, v * y, z / 2 + height / 2))
        else:
            parts.append(box(height, a * y, b * z, material).at(x / 2 + height / 2, u * y, v * z))
    tracker = lathe([(0.06, 0), (0.1, 0.2)], M.BLACK, 12).turned("x", 35)
    return join([*parts, tracker.at(rng.uniform(-0.3, 0.3) * x, -0.3 * y, z / 2)])


def whip(start: Sequence[float], end: Sequence[float]) -> Mesh:
    """A wire antenna."""
    return rod(start, end, 0.02, M.METAL)


def pick(rng: np.random.Generator, *materials: int) -> int:
    return int(materials[int(rng.integers(len(materials)))])
