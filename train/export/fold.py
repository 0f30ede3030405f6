"""Folding: adaptive pooling, batch norms or whitening, and linear layers become three linear layers."""

import torch
from torch import Tensor, nn

from train.plume.classifier import Classifier
from train.plume.model import Plume
from train.plume.preparation import Preparation, Whitening


def fold(model: Plume, feature_dim: int) -> nn.Sequential:
    """The flown head: Linear(F, 1024) - leaky ReLU - Linear(1024, 512) - leaky ReLU - Linear(512, 1).

    Computed in float64; equal to the trained head in evaluation mode up to rounding.

    Args:
        model: fitted.
        feature_dim: F.

    Returns:
        From N x F features to N x 1 logits, float32.
    """
    weight, bias = _preparation(model.preparation, feature_dim)
    classifier = model.classifier
    last = classifier.linear3.weight.detach().double()
    first = classifier.linear1.weight.detach().double()
    layers = [
        _linear(*_normalised(first @ weight, first @ bias, classifier.norm1)),
        nn.LeakyReLU(),
        _linear(*_normalised(*_second(classifier), classifier.norm2)),
        nn.LeakyReLU(),
        _linear(last / model.temperature.double(), torch.zeros(1, dtype=torch.float64)),
    ]
    return nn.Sequential(*layers).float().eval()


def _preparation(preparation: Preparation, feature_dim: int) -> tuple[Tensor, Tensor]:
    """Pooling and normalisation as weight D x F and bias D."""
    # Pooling is linear: what it makes of the unit vectors is its matrix.
    pool = preparation.pool(torch.eye(feature_dim, dtype=torch.float64)).T
    norm = preparation.norm
    if isinstance(norm, Whitening):
        matrix = norm.matrix.double().T
        return matrix @ pool, -matrix @ norm.mean.double()
    if isinstance(norm, nn.BatchNorm1d):
        return _normalised(pool, torch.zeros(len(pool), dtype=torch.float64), norm)
    raise TypeError(f"no rule folds {type(norm).__name__}")


def _second(classifier: Classifier) -> tuple[Tensor, Tensor]:
    weight = classifier.linear2.weight.detach().double()
    return weight, torch.zeros(len(weight), dtype=torch.float64)


def _normalised(weight: Tensor, bias: Tensor, norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """A linear map followed by a batch norm in evaluation mode."""
    if norm.running_mean is None or norm.running_var is None:
        raise TypeError("a batch norm without running statistics cannot be folded")
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    return weight * scale[:, None], (bias - norm.running_mean.double()) * scale


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
    layer.weight.data, layer.bias.data = weight, bias
    return layer
