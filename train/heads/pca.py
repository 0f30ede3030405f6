"""The residual of a principal component analysis."""

import torch
from torch import Tensor, nn

from train.heads.config import PcaOptions
from train.heads.normals import Normals


class PcaResidual(nn.Module):
    """Minus the squared length of what the principal components leave of a standardised feature.

    Args:
        mean: F.
        scale: F, standard deviations.
        components: F x P, orthonormal: the directions of least variance, which span the residual.
    """

    mean: Tensor
    residual: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, components: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("residual", (components / scale[:, None]).float())

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        return -((features - self.mean) @ self.residual).square().sum(1)


def fit(normals: Normals, options: PcaOptions, seed: int) -> PcaResidual:
    """Keep the components that explain the variance asked for; the others measure the residual."""
    x = normals.features.double().cpu()
    mean, scale = x.mean(0), x.std(0, correction=0)
    scale = scale.clamp_min(1e-6 * float(scale.max()) + 1e-12)
    standard = (x - mean) / scale
    values, vectors = torch.linalg.eigh(standard.T @ standard / len(x))  # ascending
    shares = values.flip(0).cumsum(0) / values.sum()
    kept = min(int((shares < options.variance).sum()) + 1, len(values) - 1)
    return PcaResidual(mean, scale, vectors[:, : len(values) - kept])


def for_loading(state: dict[str, Tensor], options: PcaOptions) -> PcaResidual:
    """A head of the shapes of a saved state."""
    mean = torch.zeros_like(state["mean"])
    return PcaResidual(mean, torch.ones_like(mean), torch.zeros_like(state["residual"]))
