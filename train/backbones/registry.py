"""Backbones by name."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import timm
import torch
from torch import nn

from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from train.backbones import lite, onnx_prefix, weights
from train.backbones.trunk import IMAGENET, Backbone, MapsBackbone, Normalisation

PerChannel = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=3)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class BackboneOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The `backbone` part of a configuration.

    Attributes:
        name: one of `NAMES`, or any timm model's name.
        weights: `imagenet`, the path of a weights file, or `random` (for timing only; nothing is learned from it).
        normalisation: `own`, what the backbone was trained with (of an ONNX file nobody knows it: ImageNet's is
            taken); `data`, the mean and standard deviation of the pixels in the boxes of the normal training data (the
            paper's implementation on CIFAR); `unit`, grey levels divided by 255; or `none`, grey levels as they are.
        mean: overrides them, per channel in the order in which the backbone takes them, in grey levels 0..255.
        std: likewise.
        onnx: path of the user's own network; `name` and `weights` then stand unused. What it takes (size, channels,
            margin) is said in `crop`, as for any backbone.
        view: said in `crop.view` now; only `crop`, its default, is still taken here.
        tap: the tensor, or tensors, of that network that make up the vectors; `python -m train taps` lists them.
    """

    name: str = "efficientnet_lite0"
    weights: str = "imagenet"
    normalisation: Literal["own", "data", "unit", "none"] = "own"
    mean: PerChannel | None = None
    std: Annotated[tuple[Positive, ...], msgspec.Meta(min_length=1, max_length=3)] | None = None
    onnx: str | None = None
    view: Literal["crop", "frame"] = "crop"
    tap: str | Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        if (self.onnx is None) != (self.tap is None):
            raise ValueError("'onnx' and 'tap' go together; 'python -m train taps FILE' lists a file's tensors")
        if self.view == "frame":
            raise ValueError("'view: frame' stands in 'crop', beside frame_px: [height, width] and resize")
        for name in ("mean", "std"):
            if len(getattr(self, name) or (0,)) == 2:
                raise ValueError(f"'{name}' has two values; one for each channel is needed, three or one")

    @property
    def taps(self) -> tuple[str, ...]:
        """The tapped tensors' names; empty for a backbone that is no ONNX file."""
        return (self.tap,) if isinstance(self.tap, str) else self.tap or ()


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


def load(options: BackboneOptions, measured: Normalisation | None = None, spec: CropSpec | None = None) -> Loaded:
    """Build a backbone and load its weights.

    Args:
        options: which.
        measured: the data's own RGB statistics, where `normalisation: data` asks for them.
        spec: the crop that it will be given.

    Raises:
        InputError: unknown name; weights missing, not fitting, or not finite; an ONNX file that cannot be used, or
            does not take such crops.
    """
    spec = spec or CropSpec()
    if options.onnx is not None:
        prefix = onnx_prefix.load(Path(options.onnx), options.taps, spec)
        norm = _normalisation(options, measured, IMAGENET, spec)
        return Loaded(prefix.name, prefix.module, norm, prefix.sha256, prefix.source)
    if spec.whole:
        raise InputError(
            f"crop.view: 'frame' goes with a network of your own, not with {options.name}; give backbone.onnx and "
            "backbone.tap, or leave crop.view out"
        )
    if spec.channels != "rgb":
        raise InputError(f"crop.channels: {options.name} takes rgb, not {spec.channels}")
    build = _BUILDERS.get(options.name) or _timm_builder(options.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random weights are the same each time
        module, own, source = build(options)
    weights.refuse_non_finite(module, source)
    norm = _normalisation(options, measured, own, spec)
    return Loaded(options.name, module, norm, weights.digest(module), source)


def _normalisation(
    options: BackboneOptions, measured: Normalisation | None, own: Normalisation, spec: CropSpec
) -> Normalisation:
    """Mean and spread of each channel that the crop gives."""
    count = 1 if spec.channels == "grey" else 3
    known = {"unit": 255.0, "none": 1.0}.get(options.normalisation)
    if known is not None:
        norm = Normalisation((0.0,) * count, (known,) * count)
    else:
        norm = measured or own
        if spec.channels == "bgr":
            norm = Normalisation(norm.mean[::-1], norm.std[::-1])
    norm = Normalisation(options.mean or norm.mean, options.std or norm.std)
    for name, values in (("mean", norm.mean), ("std", norm.std)):
        if len(values) != count:
            raise InputError(
                f"backbone.{name}: {len(values)} values for the {count} channels of crop.channels: {spec.channels}; "
                f"give backbone.mean and backbone.std with {count}, or backbone.normalisation: unit or none"
            )
    return norm


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
        norm = Normalisation(*(tuple(255 * float(value) for value in config[key]) for key in ("mean", "std")))
        return MapsBackbone(model, names), norm, source

    return build
