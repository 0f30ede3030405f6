"""The ways to pseudo-anomalies: what each does to features, and what keeps it near the normals."""

import itertools

import msgspec
import pytest
import torch
from torch import Tensor

from train.config import FitOptions
from train.plume import losses
from train.plume.config import PRESETS, PlumeSettings
from train.plume.model import Plume
from train.plume.perturbations import add_gaussian, add_mult, rank_one
from train.plume.training import train

LEARNED = ["learned", "add_mult", "learned_gaussian"]
CASES = list(itertools.product([*LEARNED, "gaussian"], ["none", "pairwise", "mean"]))
CONSTRAINED = list(itertools.product(LEARNED, ["noise", "similarity"]))


def settings(**own: object) -> PlumeSettings:
    return msgspec.structs.replace(PRESETS["ours"], whiten=False, perturbator_width=6, **own)


def normal(n: int = 40, dim: int = 8) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(3)) + 1


def test_perturbation_is_the_rank_one_matrix_product() -> None:
    draw = torch.Generator().manual_seed(0)
    x, alpha, beta = (torch.randn(5, 7, generator=draw, dtype=torch.float64) for _ in range(3))
    matrix = torch.eye(7, dtype=torch.float64) + alpha[:, :, None] * beta[:, None, :]
    torch.testing.assert_close(rank_one(x, alpha, beta), (matrix @ x[:, :, None])[:, :, 0])


def test_add_mult_by_one_plus_nothing_is_the_identity() -> None:
    x = normal()
    torch.testing.assert_close(add_mult(x, torch.ones_like(x), torch.zeros_like(x)), x)
    torch.testing.assert_close(add_mult(x, torch.full_like(x, 2.0), torch.full_like(x, 3.0)), 2 * x + 3)


def test_learned_gaussian_noise_has_the_mean_and_the_variance_that_it_is_given() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.full((200_000, 1), 5.0)
    noise = torch.randn(x.shape, generator=draw)
    made = add_gaussian(x, torch.full_like(x, 2.0), torch.full_like(x, torch.log(torch.tensor(9.0))), noise) - x
    assert made.mean().item() == pytest.approx(2, abs=0.05) and made.std().item() == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize(
    "kind,target,alpha,beta",
    [
        ("learned", "alpha_0_beta_1", 0.0, 1.0),
        ("learned", "alpha_1_beta_0", 1.0, 0.0),
        ("add_mult", "alpha_0_beta_1", 1.0, 0.0),  # whatever the target of the rank-one map
        ("add_mult", "alpha_1_beta_0", 1.0, 0.0),
    ],
)
def test_the_noise_constraint_is_zero_at_its_targets_alone(kind: str, target: str, alpha: float, beta: float) -> None:
    asked = settings(pseudo_anomalies=kind, noise_target=target)
    at = torch.full((4, 3), alpha), torch.full((4, 3), beta)
    assert losses.noise_constraint(*at, asked).item() == 0
    assert losses.noise_constraint(at[0] + 0.5, at[1], asked).item() == pytest.approx(0.25)
    assert losses.noise_constraint(at[0], at[1] + 0.5, asked).item() == pytest.approx(0.25)


def test_the_constraint_of_learned_gaussian_is_the_expected_squared_distance_from_the_normals() -> None:
    asked = settings(pseudo_anomalies="learned_gaussian", noise_norm="squared_l2")
    draw = torch.Generator().manual_seed(1)
    mean, log_variance = torch.tensor([[0.5, -1.0, 2.0]]), torch.tensor([[0.0, -2.0, 1.0]])
    x = torch.zeros(400_000, 3)
    made = add_gaussian(x, mean, log_variance, torch.randn(x.shape, generator=draw))
    found = losses.noise_constraint(mean, log_variance, asked).item()
    assert found == pytest.approx(made.square().sum(dim=1).mean().item(), rel=0.01)


def test_the_similarity_constraint() -> None:
    x = normal().double()
    turn = torch.linalg.qr(normal(8, 8).double())[0]
    assert losses.similarity_constraint(x, x).item() == pytest.approx(0, abs=1e-12)
    assert losses.similarity_constraint(x, 2 * x).item() == pytest.approx(1)  # the same cosines, each moved by itself
    moved = ((x @ turn - x).square().sum(1) / x.square().sum(1)).mean().item()
    assert losses.similarity_constraint(x, x @ turn).item() == pytest.approx(moved)  # turned together: cosines stay
    scattered = x + normal(40, 8).flip(0)
    moved = ((scattered - x).square().sum(1) / x.square().sum(1)).mean().item()
    assert losses.similarity_constraint(x, scattered).item() > moved + 0.01


@pytest.mark.parametrize("kind,contrast", CASES)
def test_each_kind_trains_with_each_contrast(kind: str, contrast: str) -> None:
    asked = settings(pseudo_anomalies=kind, contrast=contrast)
    trained = train(normal(), asked, FitOptions(epochs=2, learning_rate=1e-3), 0, torch.device("cpu"), normal(5))
    assert trained.watched.shape == (2, 5)
    assert (trained.history[0]["contrast"] != 0) == (contrast != "none")
    assert (trained.history[0]["noise"] > 0) == (kind != "gaussian")


@pytest.mark.parametrize("kind,constraint", CONSTRAINED)
def test_a_constraint_alone_draws_pseudo_anomalies_to_their_normals(kind: str, constraint: str) -> None:
    asked = settings(pseudo_anomalies=kind, constraint=constraint, noise_target="alpha_0_beta_1")
    torch.manual_seed(0)
    model, x, draw = Plume(8, asked).eval(), normal(), torch.Generator().manual_seed(2)
    assert model.perturbator is not None
    optimiser = torch.optim.Adam(model.perturbator.parameters(), lr=0.01)
    distances = []
    for _ in range(150):
        made = model.perturb(x, model.draw_noise(len(x), draw))
        distances.append((made.pseudo - x).norm().item())
        optimiser.zero_grad()
        made.constraint.backward()
        optimiser.step()
    assert sum(distances[-10:]) < 0.5 * sum(distances[:10])
