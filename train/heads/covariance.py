"""Covariances of normal features, shrunk so that they can be inverted."""

import torch
from sklearn.covariance import ledoit_wolf_shrinkage
from torch import Tensor

_BLOCK = 1000  # columns at a time in scikit-learn's estimate: a matter of memory only


def shrunk_covariance(centred: Tensor) -> Tensor:
    """The Ledoit-Wolf estimate of a covariance, F x F float64, from features without their mean, N x F.

    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004. The shrinkage
    bounds the gain of the directions in which N samples say nothing.
    """
    x = centred.double().cpu()
    shrinkage = float(ledoit_wolf_shrinkage(x.numpy(), assume_centered=True, block_size=_BLOCK))
    covariance = x.T @ x / len(x)
    width = covariance.shape[0]
    return (1 - shrinkage) * covariance + shrinkage * covariance.trace() / width * torch.eye(width, dtype=x.dtype)


def inverse_root(covariance: Tensor) -> Tensor:
    """The symmetric inverse square root, F x F float64: features times it have unit covariance."""
    values, vectors = torch.linalg.eigh(covariance.double())
    # A feature that never varies has no scale of its own: the floor keeps its gain finite.
    values = values.clamp_min(1e-9 * float(values[-1]) + 1e-12)
    return vectors @ torch.diag(values.rsqrt()) @ vectors.T


def class_means(features: Tensor, numbers: Tensor) -> Tensor:
    """The mean of each class, C x F float64, of features N x F with class numbers N."""
    count = int(numbers.max()) + 1
    sums = torch.zeros(count, features.shape[1], dtype=torch.float64).index_add_(0, numbers, features.double().cpu())
    return sums / torch.bincount(numbers, minlength=count).clamp_min(1)[:, None]
