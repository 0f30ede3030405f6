"""Batches of rows in a seeded order, which can be gone on with at any batch."""

from collections.abc import Iterator
from typing import Any

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
        self.rows, self.batch, self.seed = rows, min(batch, rows), seed
        self.generator = torch.Generator().manual_seed(seed)
        self._order = torch.zeros(0, dtype=torch.int64)
        self._given = 0

    def __len__(self) -> int:
        full, rest = divmod(self.rows, self.batch)
        return full + (rest > 1)

    def epoch(self) -> Iterator[Tensor]:
        """The rows of each batch that the epoch has left."""
        if self._given == 0:
            self._order = torch.randperm(self.rows, generator=self.generator)
        while self._given < len(self):
            self._given += 1
            yield self._order[(self._given - 1) * self.batch : self._given * self.batch]
        self._given = 0

    def state_dict(self) -> dict[str, Any]:
        """Where it stands: the next batch after a `load_state_dict` is the one that would have come next."""
        return {"generator": self.generator.get_state(), "order": self._order, "given": self._given}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["generator"])
        self._order, self._given = state["order"], state["given"]
