"""A head whose logits have zero mean and unit spread over unseen normals."""

import torch
from torch import Tensor, nn


class Scaled(nn.Module):
    """A fitted head, shifted and scaled.

    That changes no order of scores, and makes one tolerance between runtimes, and one look at a score, mean the same
    for every head.
    """

    offset: Tensor
    temperature: Tensor

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("offset", torch.zeros(()))
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of backbone features, N x F."""
        logits: Tensor = self.head(features)
        return (logits - self.offset) / self.temperature

    def set_temperature(self, features: Tensor) -> None:
        """Scale by held-out normal features, N x F, N >= 2."""
        with torch.no_grad():
            logits = self.head(features)
            self.offset.copy_(logits.mean())
            self.temperature.copy_(logits.std().clamp_min(1e-6))
