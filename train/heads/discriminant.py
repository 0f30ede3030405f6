"""The relative Mahalanobis distance in the few directions in which classes differ."""

import torch
from torch import Tensor, nn

from train.heads.covariance import class_means, inverse_root, shrunk_covariance
from train.heads.distances import squared_distances

_LEAST = 1e-6  # of the widest direction's spread between classes: below it a direction is rounding alone


class Discriminant(nn.Module):
    """Minus the squared distance to the nearest class, plus that to all of them, along discriminant axes.

    Args:
        mean: of all normals, F.
        axes: F x R, R below the number of classes; the classes' common covariance is 1 along each.
        centres: of the classes along the axes, C x R.
        inverse_totals: 1 over the variance of all normals along each axis, R.
    """

    mean: Tensor
    axes: Tensor
    centres: Tensor
    inverse_totals: Tensor

    def __init__(self, mean: Tensor, axes: Tensor, centres: Tensor, inverse_totals: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("axes", axes.float())
        self.register_buffer("centres", centres.float())
        self.register_buffer("inverse_totals", inverse_totals.float())

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        along = (features - self.mean) @ self.axes
        return (along.square() * self.inverse_totals).sum(1) - squared_distances(along, self.centres).amin(1)


def fit(features: Tensor, numbers: Tensor) -> Discriminant:
    """The relative distance of Ren et al. 2021 with W + B as the covariance of all normals.

    W is the Ledoit-Wolf estimate within the classes, B the covariance of their means. W^-1 - (W + B)^-1 has no more
    directions than B, one less than there are classes: across these both distances are the same and cancel. So a
    frame's features are multiplied with F x R numbers, not with two matrices of F x F.

    Args:
        features: of normals, float64 [N, F].
        numbers: their classes, int64 [N], from 0; two at least.
    """
    counts = torch.bincount(numbers)
    means, mean = class_means(features, numbers), features.mean(0)
    root = inverse_root(shrunk_covariance(features - means[numbers]))
    whitened = (means - mean) @ root
    shares = (counts / counts.sum()).to(whitened)
    _, spreads, directions = torch.linalg.svd(whitened * shares.sqrt()[:, None], full_matrices=False)
    kept = spreads > _LEAST * spreads[0]
    axes = directions[kept].T
    return Discriminant(mean, root @ axes, whitened @ axes, 1 / (1 + spreads[kept].square()))


def for_loading(state: dict[str, Tensor]) -> Discriminant:
    """A head of the shapes of a saved state."""
    return Discriminant(state["mean"], state["axes"], state["centres"], state["inverse_totals"])
