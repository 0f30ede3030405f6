"""The folded head gives what the trained one gives."""

import msgspec
import pytest
import torch
from torch import nn

from train.config import FitOptions
from train.export.fold import fold
from train.plume.config import PRESETS
from train.plume.training import train

OPTIONS = FitOptions(epochs=2, batch=32, learning_rate=1e-3)


@pytest.mark.parametrize("preset", ["reference", "paper", "ours"])
@pytest.mark.parametrize("feature_dim", [48, 200])
def test_folded_head_equals_the_trained_one(preset: str, feature_dim: int) -> None:
    settings = msgspec.structs.replace(PRESETS[preset], perturbator_width=16)
    if settings.model_dim != "features":
        settings = msgspec.structs.replace(settings, model_dim=96)  # pooled down from 200, and spread out from 48
    features = torch.randn(300, feature_dim, generator=torch.Generator().manual_seed(1)).abs() * 3 + 1
    trained = train(features, settings, OPTIONS, 0, torch.device("cpu"), features[:4])
    trained.model.set_temperature(features)
    folded = fold(trained.model, feature_dim)
    assert [type(layer) for layer in folded] == [nn.Linear, nn.LeakyReLU, nn.Linear, nn.LeakyReLU, nn.Linear]
    assert folded[0].in_features == feature_dim and folded[0].out_features == 1024
    with torch.inference_mode():
        difference = (folded(features)[:, 0] - trained.model(features)).abs().max()
    assert float(difference) < 1e-5
