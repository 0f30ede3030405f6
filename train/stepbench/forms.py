"""The two forms of PLUME that are compared; the naive one lives here alone."""

import time
from typing import Literal

import torch
from torch import Tensor

from train.plume.config import PlumeSettings
from train.plume.lean_adamw import LeanAdamW
from train.plume.model import Plume, Step

Form = Literal["ours", "materialised"]
PHASES = ("forward_perturbator", "forward_classifier_and_losses", "backward", "optimiser")


def multiplied_out(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Pseudo-anomalies A x, N x D, with the matrices A = I + alpha beta^T, N x D x D, in memory."""
    identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    matrices = identity + torch.bmm(alpha[:, :, None], beta[:, None, :])
    return torch.bmm(matrices, x[:, :, None])[:, :, 0]


class Ours(Plume):
    """PLUME as it is trained, with a look at the clock between the parts of a step."""

    def watch(self, optimiser: LeanAdamW) -> None:
        """Take the times from now on."""
        self._at: dict[str, float] = {}
        self.classifier.register_forward_pre_hook(lambda *_: self._mark("perturbed"))
        optimiser.register_step_pre_hook(lambda *_: self._mark("backward"))

    def step(self, features: Tensor, noise: Tensor) -> Step:
        computed = super().step(features, noise)
        self._mark("losses")
        return computed

    def begin(self) -> None:
        """A step begins."""
        self._at.clear()
        self._mark("begun")

    def seconds(self) -> dict[str, float]:
        """A step has ended: seconds in each of `PHASES`."""
        self._mark("updated")
        times = [self._at[name] for name in ("begun", "perturbed", "losses", "backward", "updated")]
        return {phase: times[i + 1] - times[i] for i, phase in enumerate(PHASES)}

    def _mark(self, name: str) -> None:
        if self.temperature.is_cuda:
            torch.cuda.synchronize()
        self._at.setdefault(name, time.perf_counter())  # two passes of the classifier: the first counts


class Materialised(Ours):
    """The same, with the matrices written out."""

    rank_one = staticmethod(multiplied_out)


def build(form: Form, settings: PlumeSettings, dim: int, seed: int) -> Ours:
    """The model with its seeded weights, which are the same for both forms; features of length `dim`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return (Ours if form == "ours" else Materialised)(dim, settings)


def draw_features(batch: int, dim: int, seed: int) -> Tensor:
    """One batch of features, batch x dim: absolute values of normal draws, as pooled activations are positive."""
    return torch.randn(batch, dim, generator=torch.Generator().manual_seed(seed)).abs()
