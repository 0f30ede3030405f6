"""The satellite classes: each function builds one instance, with sizes and angles of its own."""

from collections.abc import Callable

import numpy as np

from train.synth.materials import Material as M  # noqa: N817  every line below names some
from train.synth.mesh import Mesh, join
from train.synth.parts import clutter, dish, pair, pick, thruster, tube, whip, wing
from train.synth.primitives import ball, box, drum, lathe, rod

Rng = np.random.Generator


def relay(rng: Rng) -> Mesh:
    """Geostationary relay: a tall box, two long wings, a dish on either side."""
    x, y, z = rng.uniform(1.6, 2.1), rng.uniform(1.6, 2.1), rng.uniform(2.4, 3.4)
    side = dish(rng.uniform(0.8, 1.1)).turned("y", 65)
    return join(
        [
            box(x, y, z, pick(rng, M.GOLD, M.SILVER), M.WHITE),
            clutter(x, y, z, rng, 8),
            pair(wing(rng.uniform(4, 5.5), rng.uniform(1.6, 2), rng.uniform(0, 180), 4), y / 2),
            side.at(x / 2 + 0.4, 0, 0.3 * z),
            side.turned("z", 180).at(-x / 2 - 0.4, 0, 0.3 * z),
            thruster(0.3).at(z=-z / 2),
        ]
    )


def imager(rng: Rng) -> Mesh:
    """Earth observer: a long foil bus, one wing on one side only, a camera tube beneath."""
    x, y, z = rng.uniform(1.2, 1.6), rng.uniform(1.3, 1.7), rng.uniform(2.6, 3.6)
    bus = join([box(x, y, z, M.GOLD, M.GREY), clutter(x, y, z, rng, 10)])
    camera = tube(rng.uniform(0.35, 0.5), rng.uniform(0.8, 1.2), M.BLACK).turned("y", 90)
    one = wing(rng.uniform(3, 4.2), rng.uniform(1.4, 2), rng.uniform(0, 180), 3).at(y=y / 2, z=-0.3 * z)
    return join([bus, camera.at(x / 2, 0, 0.25 * z), one, thruster(0.2).at(z=-z / 2)])


def radar(rng: Rng) -> Mesh:
    """Radar satellite: a long flat antenna under a slim bus, wings along it."""
    length, width = rng.uniform(6, 8), rng.uniform(1.0, 1.4)
    slabs = [box(width, length / 5 * 0.97, 0.12, M.WHITE).at(y=(i - 2) * length / 5) for i in range(5)]
    ribs = [rod((-width / 2, s * length / 2.1, 0.1), (0, 0, 1.1), 0.04, M.CARBON) for s in (-1, 1)]
    bus = box(1.0, 1.9, 1.2, pick(rng, M.GOLD, M.CARBON)).at(z=0.75)
    wings = pair(wing(rng.uniform(2, 2.6), 1.0, rng.uniform(0, 180), 2, 0.3).turned("z", 90), 0).at(z=1.2)
    return join([*slabs, *ribs, bus, clutter(1.0, 1.9, 1.2, rng, 5).at(z=0.75), wings])


def spinner(rng: Rng) -> Mesh:
    """Spin-stabilised: a drum of solar cells between foil bands, an antenna mast, wire booms."""
    r, h = rng.uniform(0.9, 1.2), rng.uniform(1.2, 2.0)
    booms = [
        rod(
            (r * np.cos(a), r * np.sin(a), 0),
            ((r + 2.2) * np.cos(a), (r + 2.2) * np.sin(a), 0),
            0.025,
            M.METAL,
        )
        for a in np.radians([0, 90, 180, 270]) + rng.uniform(0, 1)
    ]
    mast = lathe([(0.3, h / 2), (0.22, h / 2 + 0.5), (0.1, h / 2 + 0.6), (0.08, h / 2 + 1.2)], M.WHITE, 16)
    band = lathe([(r * 1.01, -0.12), (r * 1.01, 0.12)], M.GOLD)
    return join([drum(r, h, M.CELLS, M.SILVER), band, mast, *booms, thruster(0.25).at(z=-h / 2)])


def telescope(rng: Rng) -> Mesh:
    """Space telescope: a long tube with an open lid, a wider service ring, two wings close by."""
    r, length = rng.uniform(0.7, 0.95), rng.uniform(3.2, 4.4)
    lid = drum(r, 0.05, M.SILVER, segments=24).at(x=r).turned("y", -rng.uniform(60, 110)).at(-r, 0, length)
    ring = drum(r * 1.4, 1.0, M.GOLD, M.WHITE).at(z=0.2)
    wings = pair(wing(rng.uniform(2, 2.8), rng.uniform(1.2, 1.6), rng.uniform(0, 180), 2, 0.3), r).at(z=1.6)
    return join(
        [
            tube(r, length, pick(rng, M.SILVER, M.WHITE)),
            lid,
            ring,
            wings,
            dish(0.4).turned("x", 90).at(0, -r * 1.7, 0),
        ]
    )


def probe(rng: Rng) -> Mesh:
    """Deep-space probe: a dish wider than its bus, a long boom, no wings but a generator."""
    r = rng.uniform(1.5, 1.9)
    bus = drum(0.8, 0.8, pick(rng, M.GOLD, M.BLACK), segments=8).at(z=-0.6)
    boom = join([rod((0.7, s, -0.6), (rng.uniform(3.4, 4.4), 0, -0.9), 0.03, M.METAL) for s in (-0.15, 0.15)])
    power = drum(0.22, 1.4, M.BLACK, segments=10).turned("y", 90).at(-1.9, 0, -0.8)
    arm = rod((-0.7, 0, -0.7), (-1.3, 0, -0.8), 0.05, M.METAL)
    camera = box(0.4, 0.5, 0.5, M.WHITE).at(0.2, 1.0, -0.7)
    return join([dish(r), bus, boom, power, arm, camera, thruster(0.25).at(z=-1.0)])


def hexagon(rng: Rng) -> Mesh:
    """A six-sided bus under a wide disc of solar cells, like a mushroom."""
    r, h = rng.uniform(0.9, 1.2), rng.uniform(1.0, 1.7)
    deck = drum(r * rng.uniform(1.5, 1.8), 0.06, M.GREY, M.CELLS, segments=12).at(z=h / 2 + 0.15)
    instruments = [tube(0.2, 0.7, M.WHITE).turned("x", 180).at(0.45 * s, 0.1, -h / 2) for s in (-1, 1)]
    legs = [
        whip((r * 0.8, 0, -h / 2), (r * 1.2, 0, -h / 2 - 1.0)),
        whip((-r * 0.8, 0, -h / 2), (-r * 1.2, 0, -h / 2 - 1.0)),
    ]
    return join([drum(r, h, M.GOLD, M.SILVER, segments=6), deck, *instruments, *legs])


def cross(rng: Rng) -> Mesh:
    """A small satellite with four panels folded out like a cross."""
    a, h = rng.uniform(0.9, 1.2), rng.uniform(1.2, 2.2)
    panel = wing(rng.uniform(1.5, 2.4), a * 0.95, 0, 2, 0.05).turned("x", rng.uniform(-25, 35))
    four = [panel.at(y=a / 2, z=h / 2).turned("z", angle) for angle in (0, 90, 180, 270)]
    aerials = [whip((s * a / 3, s * a / 3, -h / 2), (s * a, s * a / 2, -h / 2 - 0.9)) for s in (-1, 1)]
    return join([box(a, a, h, pick(rng, M.METAL, M.WHITE), M.GOLD), clutter(a, a, h, rng, 4), *four, *aerials])


def house(rng: Rng) -> Mesh:
    """Altimeter: a bus with a pitched roof of solar cells, a dish below, a boom behind."""
    x, y, z = rng.uniform(1.5, 1.9), rng.uniform(3.2, 4.2), rng.uniform(0.9, 1.2)
    slope = rng.uniform(35, 50)
    roof = [
        box(x * 0.8, y, 0.04, M.CELLS)
        .at(x=s * x * 0.4)
        .turned("y", s * slope)
        .at(z=z / 2 + x * 0.8 * np.sin(np.radians(slope)))
        for s in (-1, 1)
    ]
    down = dish(rng.uniform(0.5, 0.65)).turned("x", 180).at(0, 0.3 * y, -z / 2 - 0.1)
    boom = rod((0, -y / 2, 0), (0, -y / 2 - rng.uniform(1, 1.8), 0), 0.05, M.CARBON)
    return join(
        [
            box(x, y, z, M.GOLD, M.WHITE),
            *roof,
            down,
            boom,
            box(0.9, 0.5, 0.3, M.GREY).at(0, -0.2 * y, -z / 2 - 0.15),
        ]
    )


def flatpack(rng: Rng) -> Mesh:
    """Constellation satellite: a thin flat bus, one very tall panel hinged at its edge."""
    x, y = rng.uniform(1.4, 1.8), rng.uniform(2.6, 3.2)
    sail = wing(rng.uniform(6, 8), x * 1.4, 0, 8, 0.1).turned("x", rng.uniform(40, 100)).at(y=y / 2)
    plates = [drum(0.28, 0.06, M.WHITE, segments=16).at(s * 0.35, t, -0.15) for s in (-1, 1) for t in (-0.7, 0.2)]
    return join([box(x, y, 0.22, M.METAL, M.SILVER), clutter(x, y, 0.22, rng, 5), sail, *plates])


def globe(rng: Rng) -> Mesh:
    """Geodetic ball: retroreflectors on a sphere, an equatorial band, a turnstile of aerials."""
    r = rng.uniform(0.8, 1.1)
    spots = []
    for i in range(40):  # a golden spiral covers the sphere evenly
        height = 1 - (2 * i + 1) / 40
        spot = drum(0.09 * r, 0.03, M.SILVER, M.BLACK, segments=10).at(z=r)
        spots.append(spot.turned("y", float(np.degrees(np.arccos(height)))).turned("z", i * 137.5))
    band = lathe([(r * 1.03, -0.14 * r), (r * 1.03, 0.14 * r)], M.CELLS)
    aerials = [whip((0, 0, r), (np.cos(a), np.sin(a), r + 0.6)) for a in np.radians([45, 135, 225, 315])]
    return join([ball(r, pick(rng, M.METAL, M.GREY, M.GOLD)), *spots, band, *aerials])


def formation(rng: Rng) -> Mesh:
    """Coronagraph's occulter: a wide disc in front of a box, body-mounted cells, thruster pods."""
    r, a = rng.uniform(1.0, 1.3), rng.uniform(1.0, 1.3)
    disc = drum(r, 0.04, M.BLACK, M.CARBON, segments=36).at(z=a / 2 + 0.2)
    pods = [thruster(0.12).turned("y", s * 60).at(-s * a / 2, t * a / 2.4, -a / 3) for s in (-1, 1) for t in (-1, 1)]
    cells = box(0.05, a * 1.2, a * 1.3, M.CELLS).at(x=-a / 2 - 0.05)
    return join([box(a, a, a, M.SILVER, M.GOLD), clutter(a, a, a, rng, 8), disc, cells, *pods])


CLASSES: dict[str, Callable[[Rng], Mesh]] = {
    build.__name__: build
    for build in (
        relay,
        imager,
        radar,
        spinner,
        telescope,
        probe,
        hexagon,
        cross,
        house,
        flatpack,
        globe,
        formation,
    )
}
"""Class names, as the label files spell them, and their builders."""
