"""Gaussian heads: Mahalanobis distances to all normals, to the nearest class, or the one less the other."""

import torch
from torch import Tensor, nn

from onboard.errors import InputError
from train.heads import discriminant
from train.heads.clusters import numbers_of
from train.heads.config import GaussianOptions
from train.heads.covariance import class_means, inverse_root, shrunk_covariance
from train.heads.discriminant import Discriminant
from train.heads.distances import squared_distances
from train.heads.normals import Normals


class Gaussian(nn.Module):
    """Minus the squared Mahalanobis distance to the nearest of some means, less (optionally) that to the global one.

    Args:
        means: C x F.
        root: F x F; distances are Euclidean after it.
        global_mean: F, or None.
        global_root: F x F, or None.
    """

    root: Tensor
    centres: Tensor
    global_root: Tensor
    global_centre: Tensor

    def __init__(
        self, means: Tensor, root: Tensor, global_mean: Tensor | None = None, global_root: Tensor | None = None
    ) -> None:
        super().__init__()
        # The mean of means is taken off first: float32 keeps few digits of distances between far points.
        self.register_buffer("shift", means.mean(0).float())
        self.register_buffer("root", root.float())
        self.register_buffer("centres", ((means - means.mean(0)) @ root).float())
        self.relative = global_mean is not None and global_root is not None
        if global_mean is not None and global_root is not None:
            self.register_buffer("global_root", global_root.float())
            self.register_buffer("global_centre", ((global_mean - means.mean(0)) @ global_root).float())

    shift: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        x = features - self.shift
        logits = -squared_distances(x @ self.root, self.centres).amin(1)
        if self.relative:
            logits = logits + (x @ self.global_root - self.global_centre).square().sum(1)
        return logits


def fit(normals: Normals, options: GaussianOptions, seed: int) -> Gaussian | Discriminant:
    """Fit the Gaussians of the options.

    `single`: Lee et al. 2018 without classes. `per_class`: class means, one covariance within classes. `relative`:
    that less the single one (Ren et al., "A simple fix to Mahalanobis distance", 2021). `discriminant`: nearly the
    same for a small part of the work, see there.

    Raises:
        InputError: a distance less another one is asked for, and there is but one class: both would be the same.
    """
    x = normals.features.double().cpu()
    mean = x.mean(0)
    if options.form == "single":
        return Gaussian(mean[None], inverse_root(shrunk_covariance(x - mean)))
    numbers = numbers_of(normals, options.classes, seed)
    if options.form in ("relative", "discriminant") and int(numbers.max()) == 0:
        raise InputError(
            f"head.form: {options.form} needs normals of two classes or more, or of two kinds of views; "
            "set form: single, or head.classes to a number of clusters above 1"
        )
    if options.form == "discriminant":
        return discriminant.fit(x, numbers)
    means = class_means(x, numbers)
    root = inverse_root(shrunk_covariance(x - means[numbers]))
    if options.form == "per_class":
        return Gaussian(means, root)
    return Gaussian(means, root, mean, inverse_root(shrunk_covariance(x - mean)))


def for_loading(state: dict[str, Tensor], options: GaussianOptions) -> Gaussian | Discriminant:
    """A head of the shapes of a saved state."""
    if options.form == "discriminant":
        return discriminant.for_loading(state)
    centres, root = torch.zeros_like(state["centres"]).double(), torch.zeros_like(state["root"]).double()
    if options.form != "relative":
        return Gaussian(centres, root)
    return Gaussian(centres, root, torch.zeros_like(state["global_centre"]).double(), torch.zeros_like(root))
