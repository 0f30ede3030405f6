"""Feature preparation: adaptive pooling to D, then a batch norm or a whitening. It flies, folded into the head."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Whitening(nn.Module):
    """An affine map, fitted beforehand, that gives features zero mean and unit covariance.

    Args:
        mean: D.
        matrix: D x D, symmetric: the inverse square root of the (shrunk) covariance.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, mean: Tensor, matrix: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("matrix", matrix)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) @ self.matrix


def fit_whitening(features: Tensor) -> Whitening:
    """Whiten by the Ledoit-Wolf covariance of normal features, N x D (computed in float64).

    The shrinkage bounds the gain of the directions in which N samples say nothing.
    """
    from sklearn.covariance import ledoit_wolf

    x = features.double()
    mean = x.mean(0)
    covariance, _ = ledoit_wolf((x - mean).cpu().numpy(), assume_centered=True)
    values, vectors = torch.linalg.eigh(torch.from_numpy(covariance))
    # A feature that never varies has no scale of its own: the floor keeps its gain finite.
    values = values.clamp_min(1e-9 * float(values[-1]) + 1e-12)
    matrix = vectors @ torch.diag(values.rsqrt()) @ vectors.T
    return Whitening(mean.to(features.dtype).cpu(), matrix.to(features.dtype))


class Preparation(nn.Module):
    """F backbone features -> D prepared ones: adaptive average pooling, then the normalisation given.

    Args:
        dim: D; pooling is left out where it equals F.
        norm: a module from N x D to N x D.
    """

    def __init__(self, dim: int, norm: nn.Module) -> None:
        super().__init__()
        self.dim = dim
        self.norm = norm

    def pool(self, features: Tensor) -> Tensor:
        """N x F to N x D; where D > F the same feature stands in several places."""
        if features.shape[1] == self.dim:
            return features
        return F.adaptive_avg_pool1d(features[:, None, :], self.dim)[:, 0]

    def forward(self, features: Tensor) -> Tensor:
        return self.norm(self.pool(features))
