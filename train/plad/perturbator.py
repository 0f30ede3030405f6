"""PLAD's perturbator: a variational autoencoder that gives each pixel a factor and a summand."""

import torch
from torch import Tensor, nn

from train.plad.classifier import SIDE

_SMALL = SIDE // 8  # the side of what lies between encoder and decoder


class Perturbator(nn.Module):
    """Convolutional variational autoencoder from an image to alpha and beta of its own shape.

    Args:
        width: channels after the first reduction; the next two have 2 and 4 times as many.
        latent: length of the latent code.
    """

    def __init__(self, width: int, latent: int) -> None:
        super().__init__()
        deep = 4 * width
        self.encoder = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.Conv2d(2 * width, deep, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.Flatten(),
        )
        self.code = nn.Linear(deep * _SMALL**2, 2 * latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, deep * _SMALL**2),
            nn.LeakyReLU(),
            nn.Unflatten(1, (deep, _SMALL, _SMALL)),
            nn.ConvTranspose2d(deep, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.ConvTranspose2d(width, 6, 4, stride=2, padding=1),
        )

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give alpha and beta, and the code's distribution.

        Args:
            x: normalised images, N x 3 x 32 x 32.
            noise: standard normal draws of the reparametrisation, N x latent.

        Returns:
            alpha and beta, of the shape of x; mean and log variance of the latent code, N x latent each.
        """
        mean, log_variance = self.code(self.encoder(x)).chunk(2, dim=1)
        out = self.decoder(mean + noise * torch.exp(0.5 * log_variance))
        # The network gives alpha - 1: an untrained one leaves images nearly as they are, not nearly black.
        return 1 + out[:, :3], out[:, 3:], mean, log_variance
