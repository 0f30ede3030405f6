"""A linear layer that can keep the two factors of its weight gradient instead of the gradient."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LARGE = 1 << 19  # elements; below it the gradient stays in cache anyway, and one call for all weights is quicker
_TILE = 64  # rows of a weight that a core multiplies at a time, ...
_SMALL_BATCH = 64  # ... for so many samples at most; for more, a whole product is faster


class Linear(nn.Linear):
    """`nn.Linear`; with `keeps_factors`, a backward pass leaves `weight.grad` as it was and adds to `factors`.

    The gradient of an O x I weight is g^T x, with g (N x O) the gradient of the output and x (N x I) the input. For a
    batch of 32 and a width of 3072, the factors are a fiftieth of it. Whoever turns `keeps_factors` on has to use
    them and to empty the list: `lean_adamw.LeanAdamW` does.

    Attributes:
        factors: (g, x) of each use since the list was emptied.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias)
        self.keeps_factors = False
        self.factors: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.keeps_factors and torch.is_grad_enabled():
            y: Tensor = _KeepFactors.apply(x, self.weight, self.bias, self.factors)
            return y
        return F.linear(x, self.weight, self.bias)


def keep_factors(model: nn.Module) -> Sequence[Linear]:
    """Make the large linear layers of a model keep the factors of their gradients; gives these layers."""
    layers = [layer for layer in model.modules() if isinstance(layer, Linear) and layer.weight.numel() >= _LARGE]
    for layer in layers:
        layer.keeps_factors = True
    return layers


class _KeepFactors(torch.autograd.Function):
    """x W^T + b, whose backward pass gives the gradients of x and b, and hands over the factors of W's."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, factors: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.factors = factors
        y = _product(x, weight)
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        needs_x, _, needs_bias, _ = ctx.needs_input_grad
        ctx.factors.append((gradient, x))
        return gradient @ weight if needs_x else None, None, gradient.sum(0) if needs_bias else None, None


def _product(x: Tensor, weight: Tensor) -> Tensor:
    """x W^T, N x O.

    On a CPU W x^T is faster by a fifth where the batch is small beside the weight, and by another fifth a tile of W at
    a time, which stays in its core's cache.
    """
    rows = len(weight)
    if weight.is_cuda or len(x) > _SMALL_BATCH or rows % _TILE:
        return torch.mm(weight, x.T).T
    tiles = weight.view(rows // _TILE, _TILE, -1)
    return torch.bmm(tiles, x.T.contiguous().expand(len(tiles), -1, -1)).view(rows, -1).T
