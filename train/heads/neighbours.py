"""Nearest neighbours among normal features."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.heads.config import NeighboursOptions
from train.heads.covariance import class_means, inverse_root, shrunk_covariance
from train.heads.distances import squared_distances
from train.heads.normals import Normals

_CHUNK = 2048  # rows of a distance matrix at a time
_CANDIDATES = 20_000  # of more normals, so many are drawn before a coreset is chosen
_FRONT = 1024  # candidates of a coreset among which the next ones are looked for


class Neighbours(nn.Module):
    """Minus the mean distance to the k nearest of M remembered normals.

    Args:
        mean: F, taken off the features.
        root: F x F, applied to them; None leaves them as they are.
        memory: M x F, in that space; for cosine distances of unit length.
        scales: M, by which distances are divided.
        k: how many neighbours.
        cosine: features are brought to unit length first.
    """

    mean: Tensor
    root: Tensor
    memory: Tensor
    scales: Tensor

    def __init__(self, mean: Tensor, root: Tensor | None, memory: Tensor, scales: Tensor, k: int, cosine: bool) -> None:
        super().__init__()
        self.k, self.cosine = k, cosine
        self.register_buffer("mean", mean.float())
        self.register_buffer("root", root.float() if root is not None else None)
        self.register_buffer("memory", memory.float())
        self.register_buffer("scales", scales.float())

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        x = features - self.mean
        if self.root is not None:
            x = x @ self.root
        if self.cosine:
            distances = 1 - F.normalize(x, dim=1) @ self.memory.T
        else:
            distances = squared_distances(x, self.memory).clamp_min(1e-12).sqrt()
        nearest = torch.topk(distances / self.scales, self.k, dim=1, largest=False).values
        return -nearest.mean(1)


def fit(normals: Normals, options: NeighboursOptions, seed: int) -> Neighbours:
    """Remember normals, or a coreset of them (farthest first, as in PatchCore, Roth et al. 2022)."""
    x = normals.features.double().cpu()
    mean, root = torch.zeros(x.shape[1], dtype=x.dtype), None
    if options.metric == "whitened":
        mean = x.mean(0)
        root = inverse_root(shrunk_covariance(x - mean))
    elif options.metric == "class_whitened":
        numbers = torch.from_numpy(normals.class_numbers())
        mean = x.mean(0)
        root = inverse_root(shrunk_covariance(x - class_means(x, numbers)[numbers]))
    points = ((x - mean) @ root if root is not None else F.normalize(x, dim=1)).float()
    if options.coreset is not None and options.coreset < len(points):
        points = points[coreset(points, options.coreset, seed)]
    k = min(options.neighbours, len(points))
    scales = torch.ones(len(points))
    if options.local:
        scales = _scales(points, min(options.local, len(points) - 1), options.metric == "cosine")
    return Neighbours(mean, root, points, scales, k, options.metric == "cosine")


def coreset(points: Tensor, number: int, seed: int) -> Tensor:
    """Rows of `points`, N x F, each the farthest from those before it; the first is drawn.

    Distances to the chosen only fall. So the farthest is among those that were farthest at the last look (the front)
    for as long as one of them is at least as far as all behind the front were then. Within the front, distances are
    known beforehand; the others are told of all newly chosen ones in one matrix product.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(points), generator=generator)[:_CANDIDATES]
    candidates = points[rows]
    chosen = torch.zeros(1, dtype=torch.int64)
    nearest = squared_distances(candidates, candidates[:1])[:, 0]
    while len(chosen) < number:
        farthest = torch.topk(nearest, min(_FRONT + 1, len(nearest)))
        front, behind = farthest.indices[:_FRONT], float(farthest.values[-1])
        new = front[_farthest_first(candidates[front], nearest[front], behind, number - len(chosen))]
        nearest = torch.minimum(nearest, squared_distances(candidates, candidates[new]).amin(1))
        chosen = torch.cat([chosen, new])
    return rows[chosen]


def _farthest_first(front: Tensor, nearest: Tensor, behind: float, most: int) -> Tensor:
    """Rows of the front, farthest first, until one behind it may be farther; at least one."""
    between = squared_distances(front, front)
    taken: list[int] = []
    while len(taken) < most:
        row = int(nearest.argmax())
        if taken and float(nearest[row]) < behind:
            break
        taken.append(row)
        nearest = torch.minimum(nearest, between[row])
    return torch.tensor(taken)


def _scales(points: Tensor, among: int, cosine: bool) -> Tensor:
    """The mean distance of each point, M x F, to its nearest others."""
    found = []
    for rows in points.split(_CHUNK):
        distances = 1 - rows @ points.T if cosine else squared_distances(rows, points).sqrt()
        # A point is its own nearest neighbour, at no distance.
        found.append(torch.topk(distances, among + 1, dim=1, largest=False).values[:, 1:].mean(1))
    return torch.cat(found).clamp_min(1e-6)


def for_loading(state: dict[str, Tensor], options: NeighboursOptions) -> Neighbours:
    """A head of the shapes of a saved state."""
    zeros = {name: torch.zeros_like(value) for name, value in state.items()}
    k = min(options.neighbours, len(state["memory"]))
    return Neighbours(zeros["mean"], zeros.get("root"), zeros["memory"], zeros["scales"], k, options.metric == "cosine")
