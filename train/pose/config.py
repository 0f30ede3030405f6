"""The configuration of a pose network: one YAML file is one network."""

from pathlib import Path
from typing import Annotated

import msgspec

from onboard import strict_yaml
from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from train.backbones.registry import NAMES
from train.pose.network import INPUT_PX


class PoseConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What `python -m train pose` trains.

    Attributes:
        synth: the configuration of the synthetic data set whose satellite tracks are used.
        seed: of the heads' first weights, the order of the frames and their quarter turns.
        trunk: the name of a built-in backbone.
        weights: the trunk's first weights: `imagenet`, a file's path, or `random`.
        crop_margin: added on each side of the box, as a share of its longer side.
        held_out_tracks: so many tracks, the last ones, are measured on and not trained on.
        epochs: passes over the frames.
        batch: frames a step.
        learning_rate: the highest; it rises for a tenth of the steps, then falls to nothing as a cosine does.
        dynamic_batch: leave the exported network's batch open.
    """

    synth: Annotated[str, msgspec.Meta(min_length=1)]
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    trunk: str = "efficientnet_lite0"
    weights: str = "imagenet"
    crop_margin: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.1
    held_out_tracks: Annotated[int, msgspec.Meta(ge=1)] = 12
    epochs: Annotated[int, msgspec.Meta(ge=1)] = 4
    batch: Annotated[int, msgspec.Meta(ge=1)] = 32
    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    dynamic_batch: bool = False

    @property
    def crop(self) -> CropSpec:
        """How a box becomes the network's input."""
        return CropSpec(input_px=INPUT_PX, margin=self.crop_margin)


def load(path: Path) -> PoseConfig:
    """Read a configuration file.

    Raises:
        InputError: the file is missing or does not fit `PoseConfig`, or the trunk is none of the built-in backbones.
    """
    config = strict_yaml.load(path, PoseConfig)
    if config.trunk not in NAMES:
        raise InputError(f"{path}: trunk: '{config.trunk}' is not a built-in backbone; use one of {', '.join(NAMES)}")
    return config
