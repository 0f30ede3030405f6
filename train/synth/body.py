"""One instance of a class: its mesh, and its own shades of the materials."""

from dataclasses import dataclass

import numpy as np

from train.synth import debris, satellites
from train.synth.deform import extent, scorch
from train.synth.materials import Material
from train.synth.mesh import Array, Mesh, centred

DEBRIS = "debris"
"""The class name of all debris in the label files."""


@dataclass(frozen=True)
class Body:
    """What is in front of the camera.

    Attributes:
        mesh: in the body's frame, its extent's middle at the origin.
        tint: float [len(Material), 3], factors on the materials' colours.
    """

    mesh: Mesh
    tint: Array


def build(kind: str, rng: np.random.Generator) -> Body:
    """An instance of a satellite class or of a kind of debris."""
    if kind in satellites.CLASSES:
        mesh = satellites.CLASSES[kind](rng)
        # Years in orbit darken satellites too: a stain alone must not give debris away.
        mesh = scorch(mesh, float(rng.uniform(0.0, 0.2)), extent(mesh) / 4, rng)
    else:
        mesh = debris.burnt(debris.KINDS[kind](rng), rng)
    shade = rng.uniform(0.75, 1.2, (len(Material), 1)) * rng.uniform(0.92, 1.08, (len(Material), 3))
    return Body(centred(mesh), shade)
