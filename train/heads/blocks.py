"""One head for each of several backbone vectors; their standardised logits are added."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from train.heads.normals import Normals

_FOLDS = 4


class BlockSum(nn.Module):
    """The mean of heads' standardised logits, each head on its own block of the features.

    Args:
        heads: one a block.
        blocks: lengths of the blocks.
        means: of each head's logits over normals that it has not seen.
        spreads: their standard deviations.
    """

    means: Tensor
    spreads: Tensor

    def __init__(self, heads: Sequence[nn.Module], blocks: Sequence[int], means: Tensor, spreads: Tensor) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.blocks = list(blocks)
        self.register_buffer("means", means.float())
        self.register_buffer("spreads", spreads.float())

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        parts = features.split(self.blocks, dim=1)
        logits = torch.stack([head(part) for head, part in zip(self.heads, parts, strict=True)], dim=1)
        return ((logits - self.means) / self.spreads).mean(1)


def fit(normals: Normals, fit_one: Callable[[Normals], nn.Module]) -> BlockSum:
    """Fit a head to each block, and standardise it on normals that were held out in turn, sample by sample."""
    heads, means, spreads = [], [], []
    fold_of = np.unique(normals.samples, return_inverse=True)[1] % _FOLDS
    for index in range(len(normals.blocks)):
        block = normals.block(index)
        held_out = torch.zeros(len(fold_of))
        for fold in np.unique(fold_of):
            away = fold_of == fold
            held_out[torch.from_numpy(away)] = fit_one(block.take(~away))(block.features[torch.from_numpy(away)])
        heads.append(fit_one(block))
        means.append(held_out.mean())
        spreads.append(held_out.std().clamp_min(1e-6))
    return BlockSum(heads, normals.blocks, torch.stack(means), torch.stack(spreads))
