"""PLUME as one module: features in, logits out; and the losses of one training step."""

from dataclasses import dataclass

import msgspec
import torch
from torch import Tensor, nn

from train.plume import losses
from train.plume.classifier import Classifier
from train.plume.config import PlumeSettings
from train.plume.losses import Losses
from train.plume.perturbations import Perturbed, draws, perturbed, rank_one
from train.plume.perturbator import Perturbator
from train.plume.preparation import Preparation, Whitening


@dataclass(frozen=True)
class Step:
    """What one training step computed: logits N, embeddings N x 512, alpha and beta N x D (None: fixed noise)."""

    losses: Losses
    normal_logits: Tensor
    anomalous_logits: Tensor
    normal_embedding: Tensor
    anomalous_embedding: Tensor
    alpha: Tensor | None
    beta: Tensor | None


class Plume(nn.Module):
    """Feature preparation, perturbator (training only) and classifier.

    After training, `set_temperature` gives the logits of unseen normal data unit spread. That changes no order of
    scores, and makes one tolerance between runtimes, and one look at a score, mean the same for every head.

    Args:
        feature_dim: F, the length of the backbone's feature vector.
        settings: see `PlumeSettings`.
        norm: replaces the batch norm of the feature preparation (a fitted whitening).
    """

    temperature: Tensor
    rank_one = staticmethod(rank_one)  # `train.stepbench` compares another way to compute it

    def __init__(self, feature_dim: int, settings: PlumeSettings, norm: nn.Module | None = None) -> None:
        super().__init__()
        dim = feature_dim if settings.model_dim == "features" else settings.model_dim
        self.settings = settings
        self.preparation = Preparation(dim, norm or nn.BatchNorm1d(dim, affine=False))
        self.perturbator: Perturbator | None = None
        if settings.pseudo_anomalies != "gaussian":
            self.perturbator = Perturbator(dim, settings.perturbator_width)
        self.classifier = Classifier(dim)
        self.register_buffer("temperature", torch.ones(()))

    @classmethod
    def for_scoring(cls, feature_dim: int, settings: PlumeSettings) -> "Plume":
        """A model without perturbator, of the right shape for the saved state of a trained one."""
        scoring = msgspec.structs.replace(settings, pseudo_anomalies="gaussian")
        model = cls(feature_dim, scoring)
        if settings.whiten:
            dim = model.preparation.dim
            model.preparation.norm = Whitening(torch.zeros(dim), torch.zeros(dim, dim))
        return model

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of backbone features, N x F."""
        logits: Tensor = self.classifier(self.preparation(features))[0]
        return logits / self.temperature

    def set_temperature(self, features: Tensor) -> None:
        """Divide logits from now on by their standard deviation over held-out normal features, N x F, N >= 2."""
        self.temperature.fill_(1.0)
        with torch.no_grad():
            self.temperature.copy_(self.eval()(features).std().clamp_min(1e-6))

    def draw_noise(self, batch: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws that `step` needs, N x `perturbations.draws`."""
        like = self.classifier.linear1.weight
        shape = (batch, draws(self.preparation.dim, self.settings))
        # Drawn on the CPU, so that one seed means one run on every device.
        return torch.randn(shape, generator=generator, dtype=like.dtype).to(like.device)

    def perturb(self, x: Tensor, noise: Tensor) -> Perturbed:
        """Pseudo-anomalies of prepared features, N x D, with the draws of `draw_noise`."""
        return perturbed(x, noise, self.settings, self.perturbator, self.rank_one)

    def step(self, features: Tensor, noise: Tensor) -> Step:
        """The losses of Eq. 8 for one batch of normal features, N x F, with the draws of `draw_noise`."""
        settings = self.settings
        x = self.preparation(features)
        made = self.perturb(x, noise)
        union = settings.batch_norm == "union"
        normal_logits, z, anomalous_logits, z_anomalous = self.classifier.both(x, made.pseudo, union)
        cross_entropy = losses.classification(normal_logits, anomalous_logits)
        contrast = losses.contrast(z, z_anomalous, settings)
        total = (
            cross_entropy
            + settings.lambda_noise * made.constraint
            + settings.nu_kl * made.kl
            + settings.gamma_contrast * contrast
        )
        terms = Losses(cross_entropy, made.kl, made.constraint, contrast, total)
        return Step(terms, normal_logits, anomalous_logits, z, z_anomalous, made.alpha, made.beta)
