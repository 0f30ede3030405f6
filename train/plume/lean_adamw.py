"""AdamW that never holds the gradient of a large weight."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from train.plume.linear import Linear, keep_factors

_BLOCK = 1 << 20  # elements of the gradient at a time (float32: 4 MiB), which stay in the CPU's cache


class LeanAdamW(torch.optim.AdamW):
    """Fused AdamW over all parameters of a model, whose large `Linear` layers are updated from their factors.

    The gradient of such a weight is made a block of rows at a time, in one buffer that stays in cache, and used at once.
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

    def zero_grad(self, set_to_none: bool = True) -> None:
        super().zero_grad(set_to_none)
        for layer in self._layers:
            layer.factors.clear()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter, and let the factors go."""
        super().step(closure)
        buffer: Tensor | None = None
        for layer in self._layers:
            if not layer.factors:
                continue
            if buffer is None:
                buffer = layer.weight.new_empty(max(_rows(each.weight) * each.in_features for each in self._layers))
            self._update(layer, buffer)
            layer.factors.clear()

    def _update(self, layer: Linear, buffer: Tensor) -> None:
        weight, state = layer.weight, self._state(layer.weight)
        gradients, inputs = (torch.cat(uses) if len(uses) > 1 else uses[0] for uses in zip(*layer.factors, strict=True))
        group, rows = self.param_groups[0], _rows(weight)
        beta1, beta2 = group["betas"]
        steps = state["step"]
        for start in range(0, len(weight), rows):
            block = slice(start, min(start + rows, len(weight)))
            shape = (block.stop - start, layer.in_features)
            gradient = buffer[: shape[0] * shape[1]].view(shape)
            torch.mm(gradients[:, block].T, inputs, out=gradient)
            adamw(
                [weight[block]],
                [gradient],
                [state["exp_avg"][block]],
                [state["exp_avg_sq"][block]],
                [],
                [steps.clone()],  # the call counts it up, once a block
                fused=True,
                amsgrad=False,
                beta1=beta1,
                beta2=beta2,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )
        steps += 1

    def _state(self, weight: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        return state


def _rows(weight: Tensor) -> int:
    """Rows of the gradient at a time: all of them on a GPU, where launches cost more than the memory's way."""
    return len(weight) if weight.is_cuda else min(len(weight), max(1, _BLOCK // weight.shape[1]))
