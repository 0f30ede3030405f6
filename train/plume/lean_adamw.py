"""AdamW that never holds the gradient of a large weight."""

from typing import Any

import torch
from torch import Tensor, nn

from train.plume.linear import Linear, keep_factors

# Elements of the gradient at a time. Smaller blocks stay in a nearer cache, which gains less than it costs: for each
# block all threads wait twice for the slowest, and Python begins anew with cold caches.
_BLOCK = 1 << 22


class LeanAdamW(torch.optim.AdamW):
    """Fused AdamW over all parameters of a model, whose large `Linear` layers are updated from their factors.

    The gradient of such a weight is made a block of rows at a time, in one buffer that is kept, and used at once.
    As autograd does it, a gradient is new memory in each step, and on a CPU the page faults of that cost more than
    the arithmetic. Same results but for float rounding, and the same state as `torch.optim.AdamW`.

    Args:
        model: on its device; from now on its large layers have no `weight.grad`.
        lr: learning rate.
        weight_decay: decoupled, as AdamW's.
    """

    def __init__(self, model: nn.Module, lr: float, weight_decay: float) -> None:
        super().__init__(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
        self._layers = keep_factors(model)
        self._buffer: Tensor | None = None

    def zero_grad(self, set_to_none: bool = True) -> None:
        super().zero_grad(set_to_none)
        for layer in self._layers:
            layer.factors.clear()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter, and let the factors go."""
        super().step(closure)
        for layer in self._layers:
            if layer.factors:
                self._update(layer)
                layer.factors.clear()

    def _update(self, layer: Linear) -> None:
        weight, state = layer.weight, self._state(layer.weight)
        gradients, inputs = (torch.cat(uses) if len(uses) > 1 else uses[0] for uses in zip(*layer.factors, strict=True))
        group = self.param_groups[0]
        beta1, beta2 = group["betas"]
        state["step"] += 1
        whole = (weight.detach(), state["exp_avg"], state["exp_avg_sq"], gradients.T)
        for block, average, square, factor in zip(*(of.split(_rows(weight)) for of in whole), strict=True):
            # The kernel that AdamW calls; its own wrapper takes as long as a tenth of a block.
            torch._fused_adamw_(
                [block],
                [torch.mm(factor, inputs, out=self._room(block))],
                [average],
                [square],
                [],
                [state["step"]],
                amsgrad=False,
                maximize=False,
                beta1=beta1,
                beta2=beta2,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
            )

    def _room(self, like: Tensor) -> Tensor:
        """A part of the buffer, of this shape."""
        if self._buffer is None:
            largest = max(_rows(layer.weight) * layer.in_features for layer in self._layers)
            self._buffer = like.new_empty(largest)
        return self._buffer[: like.numel()].view(like.shape)

    def _state(self, weight: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        return state


def _rows(weight: Tensor) -> int:
    """Rows of the gradient at a time: all of them on a GPU, where what counts is the number of launches."""
    blocks = 1 if weight.is_cuda else -(-weight.numel() // _BLOCK)
    return -(-len(weight) // blocks)
