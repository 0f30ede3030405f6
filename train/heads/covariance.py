"""Covariances of normal features, shrunk so that they can be inverted."""

import torch
from torch import Tensor


def shrunk_covariance(centred: Tensor) -> Tensor:
    """The Ledoit-Wolf estimate of a covariance, F x F float64, from features without their mean, N x F.

    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004. The shrinkage
    bounds the gain of the directions in which N samples say nothing. As scikit-learn's, but with one matrix product
    where that takes two: the sum of all entries of the squares' product is that of the rows' norms to the fourth.
    """
    x = centred.double().cpu()
    covariance = x.T @ x / len(x)
    width = covariance.shape[0]
    scale = covariance.trace() / width
    squares = covariance.square().sum()  # the paper's ||S||^2, but for the common factor 1 / F
    distance = squares - width * scale**2  # d^2: of S from the scaled identity
    error = (x.square().sum(1).square().sum() / len(x) - squares) / len(x)  # b^2: of S from the truth
    # No variance at all: nothing to shrink, and no direction to shrink to.
    shrinkage = torch.minimum(error, distance) / distance if distance > 0 else torch.zeros_like(distance)
    return (1 - shrinkage) * covariance + shrinkage * scale * torch.eye(width, dtype=x.dtype)


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
