"""The head as it flies, and what stands before the backbone."""

import torch
from torch import Tensor

from train.config import RunConfig
from train.export.fold import fold
from train.plume.model import Plume
from train.prepare import Prepared
from train.preprocessing import Preprocessing, preprocessing
from train.runs import FittedHead


def before_backbone(prepared: Prepared, config: RunConfig) -> Preprocessing:
    """The preprocessing that the run's features were extracted with."""
    norm = prepared.backbone.normalisation
    return preprocessing(config.crop, norm.mean, norm.std)


def flown(head: FittedHead) -> torch.nn.Module:
    """What flies of the head, from N x F features to N x 1 logits: folded where a rule does it."""
    return fold(head.model, head.feature_dim) if isinstance(head.model, Plume) else Unfolded(head.model)


class Unfolded(torch.nn.Module):
    """The trained head with the folded one's output shape, N x 1."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.model(features)
        return logits[:, None]
