import numpy as np
import pytest

from train.synth import debris, satellites
from train.synth.body import build
from train.synth.rotation import matrix, quaternion, uniform

ALL = [*satellites.CLASSES, *debris.KINDS]


@pytest.mark.parametrize("kind", ALL)
def test_instances_are_sound_and_differ(kind: str) -> None:
    one, other = (build(kind, np.random.default_rng(seed)).mesh for seed in (1, 2))
    assert np.isfinite(one.points).all()
    assert one.faces.max() < len(one.points) == len(one.uv) == len(one.scorch)
    assert len(one.material) == len(one.faces) > 50
    sizes = [np.ptp(mesh.points, axis=0) for mesh in (one, other)]
    assert np.abs(sizes[0] / sizes[1] - 1).max() > 0.005


def test_satellites_and_debris_are_of_the_same_materials() -> None:
    used = []
    for kinds in (satellites.CLASSES, debris.KINDS):
        bodies = [build(kind, np.random.default_rng(seed)) for kind in kinds for seed in range(3)]
        used.append({int(m) for body in bodies for m in np.unique(body.mesh.material)})
    assert used[0] == used[1]


def test_quaternions_and_matrices_are_each_other_s_inverse() -> None:
    rng = np.random.default_rng(0)
    half_turn = np.diag([1.0, -1.0, -1.0])
    for rotation in [half_turn, np.eye(3), *(uniform(rng) for _ in range(20))]:
        assert matrix(quaternion(rotation)) == pytest.approx(rotation, abs=1e-9)
        assert quaternion(rotation)[0] >= 0
