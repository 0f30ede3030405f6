"""The learning-rate range test: the maximum rate of the one-cycle schedule, found on normal data alone."""

import copy
import math

from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from train.plume.batches import Batches
from train.plume.lean_adamw import LeanAdamW
from train.plume.model import Plume

_LOWEST, _HIGHEST = 1e-6, 0.1
_SMOOTHING = 0.9
_DIVERGED = 4.0  # times the best loss so far
_BELOW_LOWEST = 10.0


def range_test(model: Plume, features: Tensor, batch: int, steps: int, weight_decay: float, seed: int) -> float:
    """Raise the rate exponentially over some steps; give a tenth of the one at which the smoothed loss is lowest.

    The model is left as it was. The rule is that of Smith, "Cyclical learning rates", with the usual safety factor.

    Args:
        model: freshly initialised.
        features: N x F, normal.
        batch: samples a step.
        steps: of the test, at most; it ends early where the loss diverges.
    """
    trial = copy.deepcopy(model).train()
    batches = Batches(len(features), batch, seed)
    optimiser = LeanAdamW(trial, _LOWEST, weight_decay)
    growth = (_HIGHEST / _LOWEST) ** (1 / max(1, steps - 1))
    schedule = LambdaLR(optimiser, lambda step: growth**step)
    rates: list[float] = []
    smooth: list[float] = []
    average = 0.0
    while len(rates) < steps:
        for rows in batches.epoch():
            loss = trial.step(features[rows], trial.draw_noise(len(rows), batches.generator)).losses.total
            average = _SMOOTHING * average + (1 - _SMOOTHING) * float(loss.detach())
            rates.append(optimiser.param_groups[0]["lr"])
            smooth.append(average / (1 - _SMOOTHING ** len(rates)))
            if len(rates) == steps or not math.isfinite(smooth[-1]) or smooth[-1] > _DIVERGED * abs(min(smooth)):
                return _suggest(rates, smooth)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return _suggest(rates, smooth)


def _suggest(rates: list[float], losses: list[float]) -> float:
    """A tenth of the rate at which the loss is lowest. The first steps only warm the average up.

    The rate of the steepest fall, the other rule in use, lies too near divergence here: the exponential of the latent
    code's log variance overflows when one-cycle comes to its peak.
    """
    skip = min(10, len(losses) // 4)
    seen = zip(losses[skip:], rates[skip:], strict=True)
    finite = [(loss, rate) for loss, rate in seen if math.isfinite(loss)]
    return min(finite)[1] / _BELOW_LOWEST if finite else _LOWEST
