"""The classifier f = f2 o f1: all of PLUME that flies, besides the feature preparation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.plume.linear import Linear


class Classifier(nn.Module):
    """D -> 1024 -> 512 -> 1, each hidden layer a bias-free linear map, a batch norm without scale, and a leaky ReLU.

    The logit is high for normal features (target 1) and low for anomalies (target 0).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear1 = Linear(dim, 1024, bias=False)
        self.norm1 = nn.BatchNorm1d(1024, affine=False, eps=1e-4)
        self.linear2 = Linear(1024, 512, bias=False)
        self.norm2 = nn.BatchNorm1d(512, affine=False, eps=1e-4)
        self.linear3 = Linear(512, 1, bias=False)

    def embed(self, x: Tensor) -> Tensor:
        """The embedding z = f1(x), N x 512, of prepared features x, N x D."""
        x = F.leaky_relu(self.norm1(self.linear1(x)))
        return F.leaky_relu(self.norm2(self.linear2(x)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, N, and embeddings, N x 512, of prepared features x, N x D."""
        z = self.embed(x)
        return self.linear3(z).squeeze(1), z

    def both(self, normal: Tensor, anomalous: Tensor, union: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits and embeddings of normals, then of pseudo-anomalies.

        With `union` (the paper) one pass holds both, so that the batch norms see in training the mixture that their
        running statistics describe afterwards. Two passes (the implementation) standardise each population by
        its own statistics: the function that is trained is then not the one that is evaluated.
        """
        if not union:
            return (*self(normal), *self(anomalous))
        logits, z = self(torch.cat([normal, anomalous]))
        n = len(normal)
        return logits[:n], z[:n], logits[n:], z[n:]
