"""One head for each of several sets of backbone vectors; their logits are added."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from train.heads.normals import Normals

_FOLDS = 4


class BlockSum(nn.Module):
    """The mean of heads' logits, shifted and scaled, each head on its own set of the backbone's vectors.

    Args:
        heads: one a set.
        sets: for each head the numbers of its vectors, rising.
        blocks: lengths of all vectors, which stand side by side in the features.
        means: are taken off each head's logits, [heads].
        spreads: divide them then.
    """

    means: Tensor
    spreads: Tensor

    def __init__(
        self,
        heads: Sequence[nn.Module],
        sets: Sequence[Sequence[int]],
        blocks: Sequence[int],
        means: Tensor,
        spreads: Tensor,
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self._sets, self._blocks = [list(each) for each in sets], list(blocks)
        # Buffers, so that a saved head knows its vectors.
        self.register_buffer("blocks", torch.tensor(self._blocks, dtype=torch.int64))
        members = [[block in each for block in range(len(blocks))] for each in self._sets]
        self.register_buffer("members", torch.tensor(members))
        self.register_buffer("means", means.float())
        self.register_buffer("spreads", spreads.float())

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        parts = features.split(self._blocks, dim=1)
        taken = [torch.cat([parts[i] for i in each], dim=1) if len(each) > 1 else parts[each[0]] for each in self._sets]
        logits = torch.stack([head(part) for head, part in zip(self.heads, taken, strict=True)], dim=1)
        return ((logits - self.means) / self.spreads).mean(1)


def fit(
    normals: Normals, sets: Sequence[Sequence[int]], standardised: bool, fit_one: Callable[[Normals], nn.Module]
) -> BlockSum:
    """Fit a head to each set of vectors.

    Args:
        normals: with all of the vectors.
        sets: the numbers of each head's vectors, rising.
        standardised: shift and scale each head's logits by those of normals that it has not seen.
        fit_one: fits a head to normals with the vectors of one set.
    """
    means, spreads = torch.zeros(len(sets)), torch.ones(len(sets))
    heads = []
    for index, each in enumerate(sets):
        part = normals.of_blocks(each)
        if standardised:
            unseen = _held_out(part, fit_one)
            means[index], spreads[index] = unseen.mean(), unseen.std().clamp_min(1e-6)
        heads.append(fit_one(part))
    return BlockSum(heads, sets, normals.blocks, means, spreads)


def _held_out(normals: Normals, fit_one: Callable[[Normals], nn.Module]) -> Tensor:
    """Each row's logit by a head that has seen no view of its sample."""
    fold_of = np.unique(normals.samples, return_inverse=True)[1] % _FOLDS
    logits = torch.zeros(len(fold_of))
    for fold in np.unique(fold_of):
        away = fold_of == fold
        logits[torch.from_numpy(away)] = fit_one(normals.take(~away))(normals.features[torch.from_numpy(away)])
    return logits


def for_loading(heads: Sequence[nn.Module], blocks: Tensor, members: Tensor) -> BlockSum:
    """Heads of the shapes of a saved state, with its `blocks` and `members`."""
    sets = [torch.nonzero(row).flatten().tolist() for row in members]
    zeros = torch.zeros(len(heads))
    return BlockSum(heads, sets, blocks.tolist(), zeros, zeros + 1)
