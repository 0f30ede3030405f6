"""The perturbator g: a variational autoencoder that gives the parameters of a perturbation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.plume.linear import Linear


class Perturbator(nn.Module):
    """Variational autoencoder from prepared features to the two vectors of a perturbation.

    Encoder D -> width (leaky ReLU) -> mean and log variance; decoder width -> width (leaky ReLU) -> 2 D.

    Args:
        dim: D, the length of the prepared features.
        width: hidden width and length of the latent code (the paper: D).
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.encoder = Linear(dim, width)
        self.mean = Linear(width, width)
        self.log_variance = Linear(width, width)
        self.decoder = Linear(width, width)
        self.output = Linear(width, 2 * dim)

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give alpha and beta, and the code's distribution.

        Args:
            x: prepared features, N x D.
            noise: standard normal draws of the reparametrisation, N x width.

        Returns:
            alpha and beta, N x D each; mean and log variance of the latent code, N x width each.
        """
        hidden = F.leaky_relu(self.encoder(x))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + noise * torch.exp(0.5 * log_variance)
        alpha, beta = self.output(F.leaky_relu(self.decoder(code))).chunk(2, dim=1)
        return alpha, beta, mean, log_variance
