"""A training run's configuration: one YAML file, one run."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from onboard import strict_yaml
from onboard.crop_spec import CropSpec
from train.backbones.registry import BackboneOptions
from train.backbones.trunk import POOLED
from train.data.config import Data
from train.heads.config import ClosedForm, sets_of
from train.plume.config import PlumeOptions
from train.views.recipe import Recipe, refuse_on_whole_frames

HeadOptions = PlumeOptions | ClosedForm


def refuse_sets(head: HeadOptions, layers: tuple[str, ...]) -> None:
    """Raise ValueError where a layer is named twice, or a head's sets of vectors are not of these layers."""
    if twice := sorted({name for name in layers if layers.count(name) > 1}):
        raise ValueError(f"layers: {', '.join(twice)} stands twice; name each vector once")
    if not isinstance(head, PlumeOptions):
        sets_of(head, layers)


class FitOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the head is trained.

    Attributes:
        epochs: passes over the normal training features.
        batch: samples a step.
        learning_rate: the one-cycle schedule's maximum, or `auto`: from a learning-rate range test.
        range_test_steps: steps of that test.
        weight_decay: AdamW's.
        checkpoint_every_s: seconds between checkpoints from which an interrupted run goes on.
    """

    epochs: Annotated[int, msgspec.Meta(ge=1)] = 100
    batch: Annotated[int, msgspec.Meta(ge=2)] = 32
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=10)] | Literal["auto"] = "auto"
    range_test_steps: Annotated[int, msgspec.Meta(ge=20)] = 100
    weight_decay: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.01
    checkpoint_every_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0


class RunConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Everything that decides a training run's result.

    Attributes:
        seed: of the split, the initial weights, the order of batches and the noise.
        data: which images, and which of them are normal.
        crop: how a box becomes the backbone's input.
        augment: views of each training crop; all of these recipes' views together are trained on. Calibration and
            test are taken as they are.
        backbone: the frozen network.
        layers: the backbone's vectors that make up the feature vector, concatenated in this order.
        head: the one-class head.
        fit: how it is trained.
        device: `auto` takes CUDA where there is one.
        cache: folder of the feature cache.
    """

    data: Data
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0
    crop: CropSpec = msgspec.field(default_factory=CropSpec)
    augment: Annotated[tuple[Recipe, ...], msgspec.Meta(min_length=1)] = (Recipe(),)
    backbone: BackboneOptions = msgspec.field(default_factory=BackboneOptions)
    layers: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = (POOLED,)
    head: HeadOptions = msgspec.field(default_factory=PlumeOptions)
    fit: FitOptions = msgspec.field(default_factory=FitOptions)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cache: str = "cache"

    def __post_init__(self) -> None:
        refuse_on_whole_frames(self.augment, self.crop)
        refuse_sets(self.head, self.layers)


def load(path: Path, overrides: dict[str, Any] | None = None) -> RunConfig:
    """Read a configuration; see `onboard.strict_yaml.load` for what it raises."""
    return strict_yaml.load(path, RunConfig, overrides)
