"""Batches of rows in a seeded order."""

from collections.abc import Iterator

import torch
from torch import Tensor


class Batches:
    """Shuffled batches, epoch after epoch, from one generator, which also draws the noise.

    A last batch of a single sample is dropped: a batch norm has nothing to normalise there.

    Args:
        rows: how many samples there are.
        batch: samples a batch.
        seed: of the order and the noise.
    """

    def __init__(self, rows: int, batch: int, seed: int) -> None:
        self.rows, self.batch = rows, min(batch, rows)
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        full, rest = divmod(self.rows, self.batch)
        return full + (rest > 1)

    def epoch(self) -> Iterator[Tensor]:
        """The rows of each batch of one epoch."""
        order = torch.randperm(self.rows, generator=self.generator)
        for number in range(len(self)):
            yield order[number * self.batch : (number + 1) * self.batch]
