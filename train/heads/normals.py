"""What a head is fitted to: features of normal samples, and what else is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onboard.errors import InputError


@dataclass(frozen=True)
class Normals:
    """Features of normal samples; several views of one sample are rows of their own.

    Attributes:
        features: float32, N x F.
        labels: the class name of each row.
        samples: int64 [N], which sample each row is a view of.
        layers: the names of the backbone vectors that stand side by side in F.
        blocks: their lengths.
        kinds: int64 [N], which recipe's view each row is.
    """

    features: Tensor
    labels: list[str]
    samples: npt.NDArray[np.int64]
    layers: tuple[str, ...]
    blocks: tuple[int, ...]
    kinds: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        rows, width = self.features.shape
        if len(self.layers) != len(self.blocks):
            raise ValueError(f"{len(self.layers)} names of {len(self.blocks)} vectors")
        if not rows == len(self.labels) == len(self.samples) or sum(self.blocks) != width:
            raise ValueError(f"{rows} rows of {width}: {len(self.labels)} labels, {len(self.samples)} samples")
        if rows < 2:
            raise InputError(f"{rows} normal training samples: at least 2 are needed")
        if not bool(torch.isfinite(self.features).all()):
            raise InputError("the training features hold NaN or infinite values; check images and weights")

    def take(self, rows: npt.NDArray[np.bool_]) -> "Normals":
        """Those rows."""
        chosen = np.flatnonzero(rows).tolist()
        labels = [self.labels[i] for i in chosen]
        return replace(
            self, features=self.features[chosen], labels=labels, samples=self.samples[chosen], kinds=self.kinds[chosen]
        )

    def of_blocks(self, numbers: Sequence[int]) -> "Normals":
        """Some of the backbone's vectors alone."""
        vectors = self.features.split(self.blocks, dim=1)
        return replace(
            self,
            features=torch.cat([vectors[i] for i in numbers], dim=1),
            layers=tuple(self.layers[i] for i in numbers),
            blocks=tuple(self.blocks[i] for i in numbers),
        )

    def class_numbers(self) -> npt.NDArray[np.int64]:
        """Classes by row, numbered: the class names, and of each, where there are several recipes, one for each.

        A satellite seen near and the same seen far away lie apart in feature space: they are two clouds, not one.
        """
        names = [f"{label}\t{kind:03d}" for label, kind in zip(self.labels, self.kinds.tolist(), strict=True)]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)
