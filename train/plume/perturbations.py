"""How pseudo-anomalies come from normal features: the paper's rank-one map, and what its ablations put in its place."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from train.plume import losses
from train.plume.config import PlumeSettings
from train.plume.perturbator import Perturbator


@dataclass(frozen=True)
class Perturbed:
    """Pseudo-anomalies x~, N x D; the perturbator's two outputs, N x D (None: no perturbator); its two losses."""

    pseudo: Tensor
    alpha: Tensor | None
    beta: Tensor | None
    kl: Tensor
    constraint: Tensor


def draws(dim: int, settings: PlumeSettings) -> int:
    """Standard normal draws a sample that `perturbed` needs: for the latent code, for the noise itself, or both."""
    if settings.pseudo_anomalies == "gaussian":
        return dim
    return settings.perturbator_width + (dim if settings.pseudo_anomalies == "learned_gaussian" else 0)


def rank_one(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Pseudo-anomalies (I + alpha beta^T) x of Eq. 2 and 3, N x D.

    The matrix is a rank-one update, so its product is x + alpha (beta . x): O(D) a sample and no D x D matrix.
    """
    return x + alpha * (beta * x).sum(dim=1, keepdim=True)


def perturbed(
    x: Tensor,
    noise: Tensor,
    settings: PlumeSettings,
    perturbator: Perturbator | None,
    linear_map: Callable[[Tensor, Tensor, Tensor], Tensor] = rank_one,
) -> Perturbed:
    """Perturb prepared features as the settings ask.

    Args:
        x: prepared normal features, N x D.
        noise: standard normal, N x `draws`; those of the latent code come first.
        settings: PLUME's.
        perturbator: gives alpha and beta; None with fixed Gaussian noise alone.
        linear_map: computes the paper's perturbation.
    """
    if perturbator is None:
        nothing = x.new_zeros(())
        return Perturbed(x + settings.gaussian_std * noise, None, None, nothing, nothing)
    width = settings.perturbator_width
    alpha, beta, mean, log_variance = perturbator(x, noise[:, :width])
    if settings.pseudo_anomalies == "add_mult":
        pseudo = add_mult(x, alpha, beta)
    elif settings.pseudo_anomalies == "learned_gaussian":
        pseudo = add_gaussian(x, alpha, beta, noise[:, width:])
    else:
        pseudo = linear_map(x, alpha, beta)
    kl = losses.kullback_leibler(mean, log_variance)
    return Perturbed(pseudo, alpha, beta, kl, losses.constraint(x, pseudo, alpha, beta, settings))


def add_mult(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """The ablation "AddMult", alpha * x + beta for each feature, N x D: what PLAD (Cai and Fan 2022) does to pixels."""
    return alpha * x + beta


def add_gaussian(x: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """The ablation "Gaussian": noise from N(mean, exp(log_variance)) is added to each feature; all N x D."""
    return x + mean + noise * torch.exp(0.5 * log_variance)
