"""Distances as matrix products, which every runtime is fast at."""

from torch import Tensor


def squared_distances(x: Tensor, points: Tensor) -> Tensor:
    """Squared Euclidean distances, N x M, of x, N x F, to points, M x F; as one matrix product."""
    squares = x.square().sum(1, keepdim=True) + points.square().sum(1)
    return (squares - 2 * (x @ points.T)).clamp_min(0)
