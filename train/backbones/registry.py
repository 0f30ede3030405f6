"""Backbones by name."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import timm
import torch
from torch import nn

from onboard.errors import InputError
from train.backbones import lite, weights
from train.backbones.trunk import IMAGENET, Backbone, MapsBackbone, Normalisation


class BackboneOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The `backbone` part of a configuration.

    Attributes:
        name: one of `NAMES`, or any timm model's name.
        weights: `imagenet`, the path of a weights file, or `random` (for timing only; nothing is learned from it).
        normalisation: `own`, what the backbone was trained with, or `data`, the mean and standard deviation of the
            pixels in the boxes of the normal training data (the paper's implementation on CIFAR).
        mean: overrides both, per RGB channel, in grey levels 0..255.
        std: likewise.
    """

    name: str = "efficientnet_lite0"
    weights: str = "imagenet"
    normalisation: Literal["own", "data"] = "own"
    mean: tuple[float, float, float] | None = None
    std: (
        tuple[
            Annotated[float, msgspec.Meta(gt=0)],
            Annotated[float, msgspec.Meta(gt=0)],
            Annotated[float, msgspec.Meta(gt=0)],
        ]
        | None
    ) = None


@dataclass(frozen=True)
class Loaded:
    """A backbone, how to normalise its input, and where its weights come from.

    `weights_sha256` is over names, types, shapes and values of all tensors, whatever file they came from.
    """

    name: str
    module: Backbone
    normalisation: Normalisation
    weights_sha256: str
    weights_source: str


def load(options: BackboneOptions, measured: Normalisation | None = None) -> Loaded:
    """Build a backbone and load its weights.

    Args:
        options: which.
        measured: the data's own statistics, where `normalisation: data` asks for them.

    Raises:
        InputError: unknown name; weights missing, not fitting, or not finite.
    """
    build = _BUILDERS.get(options.name) or _timm_builder(options.name)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # random weights are the same each time
        module, own, source = build(options)
    weights.refuse_non_finite(module, source)
    norm = measured or own
    norm = Normalisation(options.mean or norm.mean, options.std or norm.std)
    return Loaded(options.name, module, norm, weights.digest(module), source)


Built = tuple[Backbone, Normalisation, str]
Builder = Callable[[BackboneOptions], Built]
# Libraries' models are `Any`: their members have no types of their own.
_Cut = Callable[[Any], tuple[list[nn.Module], dict[int, str]]]


def _lite(version: Literal[0, 1, 2]) -> Builder:
    def build(options: BackboneOptions) -> Built:
        model, source = lite.build(version, options.weights)
        return Backbone(*lite.parts(model)), lite.NORMALISATION, source

    return build


def _torchvision(name: str, cut: _Cut) -> Builder:
    def build(options: BackboneOptions) -> Built:
        model, source = weights.torchvision_model(name, options.weights)
        return Backbone(*cut(model)), IMAGENET, source

    return build


def _resnet(model: Any) -> tuple[list[nn.Module], dict[int, str]]:
    stem = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool)
    stages = [model.layer1, model.layer2, model.layer3, model.layer4]
    return [stem, *stages], {i: f"layer{i}" for i in range(1, 5)}


def _chain(*ends: int) -> _Cut:
    """For models whose `features` is one chain: a stage ends with each of these members of it."""

    def cut(model: Any) -> tuple[list[nn.Module], dict[int, str]]:
        return list(model.features), {end: f"stage{i + 1}" for i, end in enumerate(ends)}

    return cut


_BUILDERS: dict[str, Builder] = {
    "efficientnet_lite0": _lite(0),
    "efficientnet_lite1": _lite(1),
    "efficientnet_lite2": _lite(2),
    "resnet18": _torchvision("resnet18", _resnet),
    "resnet50": _torchvision("resnet50", _resnet),
    "vgg16": _torchvision("vgg16", _chain(4, 9, 16, 23, 30)),
    "convnext_tiny": _torchvision("convnext_tiny", _chain(1, 3, 5, 7)),
    "mobilenet_v2": _torchvision("mobilenet_v2", _chain(3, 6, 10, 13, 17, 18)),
}
NAMES = tuple(_BUILDERS)


def _timm_builder(name: str) -> Builder:
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, sorted({*NAMES, *timm.list_models()}), 3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"backbone.name: '{name}' is not known.{hint} Use {', '.join(NAMES)}, or a timm model's name")

    def build(options: BackboneOptions) -> Built:
        model, config, source = weights.timm_maps(name, options.weights)
        names = [f"stage{i + 1}" for i in range(len(model.feature_info.channels()))]
        norm = Normalisation(
            *(tuple(255 * float(value) for value in config[key]) for key in ("mean", "std"))  # type: ignore[arg-type]
        )
        return MapsBackbone(model, names), norm, source

    return build
