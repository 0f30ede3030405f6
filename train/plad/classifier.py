"""PLAD's classifier for 32 x 32 images."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 32


class Classifier(nn.Module):
    """Three blocks of convolution, batch norm, leaky ReLU and 2 x 2 maximum, then two linear layers.

    The logit is high for normal images (target 1) and low for anomalies (target 0).

    Args:
        width: channels of the first block; the others have 2 and 4 times as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = [3, width, 2 * width, 4 * width]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 5, padding=2, bias=False) for before, after in pairwise(channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for after in channels[1:])
        self.hidden = nn.Linear(channels[-1] * (SIDE // 8) ** 2, 4 * width, bias=False)
        self.norm = nn.BatchNorm1d(4 * width)
        self.logit = nn.Linear(4 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, N, of normalised images, N x 3 x 32 x 32."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.max_pool2d(F.leaky_relu(norm(convolution(x))), 2)
        logits: Tensor = self.logit(F.leaky_relu(self.norm(self.hidden(x.flatten(1)))))
        return logits.squeeze(1)
