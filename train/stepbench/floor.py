"""The time below which a step cannot fall: bytes that must move, over the bandwidth of this machine's memory."""

import time

import torch
from torch import nn

_COPIED = 1 << 28  # bytes; far more than a cache holds

# Times that 4 bytes of a weight move: read by the forward pass; read once more and written, if backward and update were
# one pass; both moments read and written. A gradient need not leave the cache, and activations are small beside it.
_MOVES = 1 + 2 + 2 * 2


def bytes_of(model: nn.Module) -> int:
    """Bytes that a training step with AdamW has to move for a model's parameters."""
    return _MOVES * sum(weight.numel() * weight.element_size() for weight in model.parameters())


class Bandwidth:
    """Bytes a second of large copies, read and written ones counted; the best of those made so far.

    Args:
        device: whose memory.
    """

    def __init__(self, device: str) -> None:
        self.best = 0.0
        self._from = torch.ones(_COPIED // 4, device=device)
        self._to = torch.ones_like(self._from)

    def measure(self) -> None:
        """Make one copy."""
        self._wait()
        began = time.perf_counter()
        self._to.copy_(self._from)
        self._wait()
        self.best = max(self.best, 2 * _COPIED / (time.perf_counter() - began))

    def _wait(self) -> None:
        if self._from.is_cuda:
            torch.cuda.synchronize()
