"""A head that sees directions only: each backbone vector is brought to unit length first."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.heads.normals import Normals


class UnitBlocks(nn.Module):
    """A head behind vectors of unit length.

    Lengths follow light and contrast, and covariances that are shared by classes do not describe them; Mueller and
    Hein, "Mahalanobis++", 2025, found the same of networks' last layers.

    Args:
        head: from features, N x F, to logits, N.
        blocks: lengths of the backbone vectors that stand side by side in F.
    """

    def __init__(self, head: nn.Module, blocks: Sequence[int]) -> None:
        super().__init__()
        self.head = head
        # A buffer, so that a saved head knows its blocks.
        self.register_buffer("blocks", torch.tensor(list(blocks), dtype=torch.int64))
        self._sizes = list(blocks)

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        logits: Tensor = self.head(_unit(features, self._sizes))
        return logits


def fit(normals: Normals, fit_inner: Callable[[Normals], nn.Module]) -> UnitBlocks:
    """Fit a head to the normals' directions."""
    directions = replace(normals, features=_unit(normals.features, normals.blocks))
    return UnitBlocks(fit_inner(directions), normals.blocks)


def _unit(features: Tensor, sizes: Sequence[int]) -> Tensor:
    return torch.cat([F.normalize(part, dim=1) for part in features.split(list(sizes), dim=1)], dim=1)
