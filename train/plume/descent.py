"""One training step of PLUME: what `train` repeats, and what `python -m train bench-step` times."""

from torch import Tensor

from train.plume.lean_adamw import LeanAdamW
from train.plume.losses import Losses
from train.plume.model import Plume


def descend(model: Plume, optimiser: LeanAdamW, features: Tensor, noise: Tensor) -> Losses:
    """Forward, backward, and an update of every weight; gives the losses before the update.

    Args:
        model: in training mode.
        optimiser: of this model.
        features: N x F.
        noise: from `model.draw_noise`.
    """
    losses = model.step(features, noise).losses
    optimiser.zero_grad()
    losses.total.backward()
    optimiser.step()
    return losses
