"""PLUME's four losses (Eq. 4 to 8), and those of its ablations."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from train.plume.config import PlumeSettings


@dataclass(frozen=True)
class Losses:
    """The terms of Eq. 8, each a scalar before weighting, and their weighted sum."""

    classification: Tensor
    kl: Tensor
    noise: Tensor
    contrast: Tensor
    total: Tensor


def classification(normal_logits: Tensor, anomalous_logits: Tensor) -> Tensor:
    """Binary cross-entropy of normals against 1 plus that of pseudo-anomalies against 0; logits of shape N."""
    return F.softplus(-normal_logits).mean() + F.softplus(anomalous_logits).mean()


def kullback_leibler(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Divergence of the latent code, N x width, from the standard normal (Eq. 4), averaged over the batch."""
    return 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum() / len(mean)


def constraint(x: Tensor, pseudo: Tensor, alpha: Tensor, beta: Tensor, settings: PlumeSettings) -> Tensor:
    """What keeps pseudo-anomalies near their normals, as the settings ask; all N x D."""
    if settings.constraint == "similarity":
        return similarity_constraint(x, pseudo)
    return noise_constraint(alpha, beta, settings)


def noise_constraint(alpha: Tensor, beta: Tensor, settings: PlumeSettings) -> Tensor:
    """Keeps alpha and beta, N x D, near their targets, so that pseudo-anomalies stay near the normals.

    For `learned` the targets are the settings' `noise_target`; for `add_mult` always alpha = 1, beta = 0, the
    identity. For `learned_gaussian`, where alpha is the noise's mean and beta its log variance, alpha^2 + exp(beta)
    takes the place of the squares: summed over features, the expected squared distance E||x~ - x||^2.
    """
    if settings.pseudo_anomalies == "learned_gaussian":
        squares = alpha.square() + beta.exp()
    else:
        to_0_1 = settings.pseudo_anomalies == "learned" and settings.noise_target == "alpha_0_beta_1"
        alpha_goal, beta_goal = (0.0, 1.0) if to_0_1 else (1.0, 0.0)
        squares = (alpha - alpha_goal).square() + (beta - beta_goal).square()
    return squares.mean() if settings.noise_norm == "mean_square" else squares.sum(dim=1).mean()


def similarity_constraint(x: Tensor, pseudo: Tensor) -> Tensor:
    """Keeps pairwise similarities of pseudo-anomalies like their normals' (the paper's future work; this form is ours).

    With s_ij the cosine of x_i and x_j, and s~_ij that of x~_i and x~_j,
    sum_{i != j} (s~_ij - s_ij)^2 / sum_{i != j} s_ij^2 + mean_i ||x~_i - x_i||^2 / ||x_i||^2.

    The second term is needed: turning all samples together, or scaling each, leaves every cosine as it is. Both are
    relative, because cosines of D whitened features are near 1 / sqrt(D): plain squares would be next to nothing
    beside the second term, and more so the larger D.

    Args:
        x: prepared features, N x D, N >= 2.
        pseudo: pseudo-anomalies, N x D.
    """
    itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
    wanted, found = (F.normalize(v, dim=1) for v in (x, pseudo))
    wanted, found = ((v @ v.T).masked_fill(itself, 0.0) for v in (wanted, found))
    shape = (found - wanted).square().sum() / wanted.square().sum().clamp_min(1e-6)
    moved = (pseudo - x).square().sum(dim=1) / x.square().sum(dim=1).clamp_min(1e-6)
    return shape + moved.mean()


def pairwise_contrast(normal: Tensor, anomalous: Tensor, tau: float, transposed: bool) -> Tensor:
    """Contrast over pairs of normals (Eq. 7), averaged over all pairs i != j.

    With s the cosine similarity over tau, pair (i, j) adds
    -log( exp(s(z_i, z_j)) / ( sum_l exp(s(z_i, z~_l)) + sum_{l != i} exp(s(z_i, z_l)) ) ).
    `transposed` takes, as the implementation does, sum_l exp(s(z_l, z~_i)) for the first sum.

    Args:
        normal: embeddings z, N x 512, N >= 2.
        anomalous: embeddings z~, N x 512.
    """
    z, z_anomalous = F.normalize(normal, dim=1), F.normalize(anomalous, dim=1)
    to_normals, to_anomalies = z @ z.T / tau, z @ z_anomalous.T / tau
    n = len(z)
    itself = torch.eye(n, dtype=torch.bool, device=z.device)
    first = to_anomalies.T if transposed else to_anomalies
    terms = torch.cat([first, to_normals.masked_fill(itself, -torch.inf)], dim=1)
    pairs = (torch.logsumexp(terms, dim=1, keepdim=True) - to_normals).masked_fill(itself, 0.0)
    return pairs.sum() / (n * (n - 1))


def mean_contrast(normal: Tensor, anomalous: Tensor) -> Tensor:
    """The ablation's "Mean" variant: normals near their mean embedding and far from the pseudo-anomalies'."""
    z = F.normalize(normal, dim=1)
    centre, centre_anomalous = F.normalize(normal.mean(0), dim=0), F.normalize(anomalous.mean(0), dim=0)
    return (z @ centre_anomalous - z @ centre).mean()


def contrast(normal: Tensor, anomalous: Tensor, settings: PlumeSettings) -> Tensor:
    """The contrastive loss that the settings ask for; embeddings N x 512."""
    if settings.contrast == "pairwise":
        return pairwise_contrast(normal, anomalous, settings.tau, settings.denominator == "transposed")
    if settings.contrast == "mean":
        return mean_contrast(normal, anomalous)
    return normal.new_zeros(())
