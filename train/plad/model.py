"""PLAD as one module: images in, logits out; and the losses of one training step."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from train.plad.classifier import Classifier
from train.plad.config import PladSettings
from train.plad.perturbator import Perturbator
from train.plume.losses import classification, kullback_leibler


@dataclass(frozen=True)
class Losses:
    """The terms of the loss, each a scalar before weighting, and their weighted sum."""

    classification: Tensor
    kl: Tensor
    noise: Tensor
    total: Tensor


class Plad(nn.Module):
    """Normalisation by the normal images' own statistics, perturbator (training only) and classifier.

    Args:
        settings: see `PladSettings`.
        mean: of the normal images by RGB channel, in grey levels 0..255; length 3.
        std: as `mean`; above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, settings: PladSettings, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.settings = settings
        self.classifier = Classifier(settings.width)
        self.perturbator = Perturbator(settings.width, settings.latent)
        self.register_buffer("mean", mean.reshape(3, 1, 1))
        self.register_buffer("std", std.reshape(3, 1, 1))

    def normalise(self, images: Tensor) -> Tensor:
        """Uint8 RGB, N x 32 x 32 x 3, to float32 N x 3 x 32 x 32."""
        return (images.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def forward(self, images: Tensor) -> Tensor:
        """Logits, N (high: normal), of uint8 images, N x 32 x 32 x 3."""
        logits: Tensor = self.classifier(self.normalise(images))
        return logits

    def draw_noise(self, batch: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws that `step` needs, N x latent; from the CPU, so that a seed means one run anywhere."""
        return torch.randn(batch, self.settings.latent, generator=generator).to(self.mean.device)

    def step(self, images: Tensor, noise: Tensor) -> Losses:
        """The losses of one batch of normal images, uint8 N x 32 x 32 x 3, with the draws of `draw_noise`.

        Cross-entropy of normals against 1 and of pseudo-anomalies x~ = alpha * x + beta against 0, plus lambda times
        ||alpha - 1||^2 + ||beta||^2, plus the latent code's divergence from the standard normal.
        """
        settings = self.settings
        x = self.normalise(images)
        alpha, beta, mean, log_variance = self.perturbator(x, noise)
        # One pass over both: the batch norms then see in training the mixture that they describe afterwards.
        normal, anomalous = self.classifier(torch.cat([x, perturb(x, alpha, beta)])).chunk(2)
        cross_entropy = classification(normal, anomalous)
        noise_loss, kl = noise_constraint(alpha, beta, settings), kullback_leibler(mean, log_variance)
        total = cross_entropy + settings.lambda_noise * noise_loss + settings.nu_kl * kl
        return Losses(cross_entropy, kl, noise_loss, total)


def perturb(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Pseudo-anomalies alpha * x + beta, pixel by pixel; all of one shape."""
    return alpha * x + beta


def noise_constraint(alpha: Tensor, beta: Tensor, settings: PladSettings) -> Tensor:
    """Keeps alpha near 1 and beta near 0, N x 3 x 32 x 32 each, so that pseudo-anomalies stay near the normals."""
    squares = (alpha - 1).square() + beta.square()
    return squares.mean() if settings.noise_norm == "mean_square" else squares.sum(dim=(1, 2, 3)).mean()
