"""The kinds of debris: parts of satellites and rockets, of the same materials, bent, torn and burnt."""

from collections.abc import Callable

import numpy as np

from train.synth.deform import bend, cut, dent, extent, scorch, tear, thicken
from train.synth.materials import Material as M  # noqa: N817  every line below names some
from train.synth.mesh import Mesh, join
from train.synth.parts import clutter, pick
from train.synth.primitives import ball, bowl, box, drum, lathe, rod, sheet

Rng = np.random.Generator


def panel_fragment(rng: Rng) -> Mesh:
    """A piece of a solar wing, broken across, with its backing and a bent hinge."""
    width, height = rng.uniform(1.4, 2.2), rng.uniform(1.8, 3.6)
    panel = sheet(width, height, M.CELLS, 40)
    panel = tear(cut(panel, rng.uniform(0.15, 0.4), rng), rng.uniform(0.03, 0.12), 0.8, rng)
    panel = dent(thicken(panel, 0.03, pick(rng, M.GREY, M.CARBON, M.WHITE)), 0.03, 1.0, rng)
    hinge = rod((-0.4 * width, 0.3 * height, -0.06), (0.4 * width, 0.2 * height, -0.1), 0.04, M.METAL)
    return bend(join([panel, hinge]), rng.uniform(-50, 50), "y")


def tank(rng: Rng) -> Mesh:
    """A propellant tank with stubs of pipes and a torn skirt of foil."""
    r = rng.uniform(0.5, 0.8)
    stretch = pick(rng, 0, 0, 1) * rng.uniform(0.5, 1.6)
    shell = ball(r, pick(rng, M.METAL, M.CARBON, M.GOLD, M.SILVER), stretch)
    band = lathe([(r * 1.02, -0.08), (r * 1.12, 0), (r * 1.02, 0.08)], M.METAL)
    skirt = tear(lathe([(r * 1.05, -s * r) for s in np.linspace(0, 0.8, 8)], M.GOLD, smooth=True), 0.5, 0.5, rng)
    pipes = [
        rod(
            (0, 0, s * (r + stretch / 2)),
            (rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3), s * (r * 1.5 + stretch / 2)),
            0.05,
            M.METAL,
        )
        for s in (-1, 1)
    ]
    return join([dent(join([shell, band, *pipes]), 0.05 * r, r, rng), dent(skirt, 0.06, 0.4, rng)])


def rocket_body(rng: Rng) -> Mesh:
    """A spent upper stage: tanks, interstage, engine, dented and soot-streaked."""
    r, h = rng.uniform(0.8, 1.1), rng.uniform(2.4, 4.4)
    rows = [(r, float(z)) for z in np.linspace(-h / 2, h / 2, 14)]
    skin = lathe(rows, pick(rng, M.WHITE, M.GREY, M.METAL), 40, smooth=True)
    dome = lathe(
        [(r * np.cos(a), h / 2 + 0.5 * r * np.sin(a)) for a in np.linspace(0, np.pi / 2, 8)],
        M.METAL,
        smooth=True,
    )
    collar = lathe([(r * 1.02, -0.1 * h), (r * 1.02, 0.1 * h)], pick(rng, M.BLACK, M.GOLD, M.CARBON))
    floor = lathe([(r, -h / 2), (0.3 * r, -h / 2 + 0.3), (0, -h / 2 + 0.3)], M.GOLD)
    bell = lathe(
        [(0.15 * r, 0), (0.25 * r, -0.2), (0.45 * r, -0.6), (0.6 * r, -1.1)],
        pick(rng, M.METAL, M.BLACK),
        smooth=True,
    )
    return join(
        [
            dent(tear(skin, rng.uniform(0, 0.1), 0.8, rng), 0.05, 1.0, rng),
            dome,
            collar,
            floor,
            bell.turned("x", rng.uniform(-12, 12)).at(z=-h / 2 + 0.2),
        ]
    )


def adapter_ring(rng: Rng) -> Mesh:
    """A payload adapter: a conical ring with ribs and clamps, sometimes sprung open."""
    r, h = rng.uniform(0.8, 1.2), rng.uniform(0.25, 0.7)
    arc = 360.0 if rng.random() < 0.5 else float(rng.uniform(230, 340))
    top = r * rng.uniform(0.75, 0.95)
    skin = lathe([(r, -h / 2), (top, h / 2)], pick(rng, M.CARBON, M.METAL, M.GOLD), 60, arc)
    lips = [
        lathe(
            [(q * 1.0, z - 0.04), (q * 1.06, z - 0.04), (q * 1.06, z + 0.04), (q * 1.0, z + 0.04)],
            M.METAL,
            60,
            arc,
        )
        for q, z in ((r, -h / 2), (top, h / 2))
    ]
    clamps = [
        box(0.1, 0.16, h * 0.7, pick(rng, M.BLACK, M.SILVER, M.METAL)).at(x=(r + top) / 2 + 0.05).turned("z", a)
        for a in np.arange(10, arc - 5, rng.uniform(24, 50))
    ]
    return dent(join([skin, *lips, *clamps]), rng.uniform(0.02, 0.08), 1.6, rng)


def torn_plate(rng: Rng) -> Mesh:
    """A face of a bus: torn plate with units still bolted on."""
    a, b = rng.uniform(1.2, 1.8), rng.uniform(1.4, 2.4)
    plate = sheet(a, b, pick(rng, M.METAL, M.SILVER, M.GOLD, M.WHITE), 36)
    plate = tear(cut(plate, rng.uniform(0.1, 0.35), rng), rng.uniform(0.05, 0.2), 0.7, rng)
    plate = dent(thicken(plate, 0.05, pick(rng, M.METAL, M.GREY, M.GOLD)), 0.06, 0.9, rng)
    return bend(join([plate, clutter(a * 0.8, b * 0.6, 0.1, rng, 5)]), rng.uniform(-110, 110), pick_axis(rng))


def dish_fragment(rng: Rng) -> Mesh:
    """A part of a dish antenna, with one strut left."""
    r = rng.uniform(0.9, 1.5)
    shell = tear(cut(bowl(r, 0.35 * r, M.WHITE, 24, 72), rng.uniform(0.25, 0.5), rng), rng.uniform(0, 0.08), r / 2, rng)
    shell = thicken(shell, 0.03, pick(rng, M.CARBON, M.METAL, M.GREY))
    strut = rod((0.6 * r, 0, 0.15 * r), (0.1 * r, 0.1 * r, 0.9 * r), 0.03 * r, M.GREY)
    return dent(join([shell, strut, drum(0.2 * r, 0.2 * r, M.GREY, segments=12).at(z=-0.08 * r)]), 0.04 * r, r, rng)


def foil_sheet(rng: Rng) -> Mesh:
    """Insulation that came off: a crumpled, curled blanket."""
    blanket = sheet(rng.uniform(1.2, 1.8), rng.uniform(1.4, 2.4), pick(rng, M.GOLD, M.SILVER), 36)
    blanket = tear(cut(blanket, rng.uniform(0.05, 0.3), rng), rng.uniform(0.02, 0.15), 0.6, rng)
    blanket = bend(dent(blanket, 0.15, 0.7, rng), rng.uniform(60, 200), pick_axis(rng))
    return thicken(dent(blanket, 0.04, 0.25, rng), 0.01, pick(rng, M.GOLD, M.SILVER, M.BLACK))


def bus_wreck(rng: Rng) -> Mesh:
    """A corner of a satellite's box, open, with a stump of a wing."""
    x, y, z = rng.uniform(1.2, 1.8, 3)
    hull = box(x, y, z, pick(rng, M.GOLD, M.SILVER, M.METAL), pick(rng, M.WHITE, M.GREY), cuts=14)
    hull = dent(tear(cut(hull, rng.uniform(0.3, 0.5), rng), 0.05, 0.6, rng), 0.05, 0.8, rng)
    stump = cut(sheet(1.0, rng.uniform(0.8, 1.6), M.CELLS, 24), 0.3, rng, "y")
    stump = thicken(bend(stump.at(y=y / 2 + 0.4), rng.uniform(-60, 60)), 0.03, M.GREY)
    unit = box(0.4 * x, 0.4 * y, 0.5 * z, pick(rng, M.BLACK, M.METAL, M.WHITE))
    rods = [
        rod(rng.uniform(-0.5, 0.5, 3).tolist(), rng.uniform(-0.9, 0.9, 3).tolist(), 0.03, M.METAL) for _ in range(3)
    ]
    return join([hull, stump, unit, *rods])


def pick_axis(rng: Rng) -> str:
    return "xy"[int(rng.integers(2))]


KINDS: dict[str, Callable[[Rng], Mesh]] = {
    build.__name__: build
    for build in (
        panel_fragment,
        tank,
        rocket_body,
        adapter_ring,
        torn_plate,
        dish_fragment,
        foil_sheet,
        bus_wreck,
    )
}
"""Kinds of debris, as `kinds.csv` spells them, and their builders."""


def burnt(mesh: Mesh, rng: Rng) -> Mesh:
    """Debris as found: scorched in patches, from hardly to badly."""
    return scorch(mesh, float(rng.uniform(0.02, 0.5)), extent(mesh) / 4, rng)
