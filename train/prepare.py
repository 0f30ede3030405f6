"""From a configuration to features: what fit, evaluate and export all begin with."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from onboard.errors import InputError
from train.backbones import registry
from train.backbones.registry import Loaded
from train.config import RunConfig
from train.data import load as loading
from train.data import statistics
from train.data.config import SparkData
from train.data.samples import Part, Sample, Split
from train.features.extract import Features, extract


@dataclass(frozen=True)
class Prepared:
    """A split, the backbone, and the feature vectors of each part: float32, N x F, in the split's order.

    `content_sha256` is over the contents of all images.
    """

    split: Split
    backbone: Loaded
    features: dict[Part, Tensor]
    content_sha256: str


def prepare(config: RunConfig) -> Prepared:
    """Read and split the data, load the backbone, extract the features (from the cache where they are in it).

    Raises:
        InputError: see the loaders; images that cannot be read, unless the configuration says to skip them.
    """
    split = loading.load(config.data, config.seed)
    grey = config.data.grey if isinstance(config.data, SparkData) else "refuse"
    measured = statistics.measure(split.fit, grey) if config.backbone.normalisation == "data" else None
    backbone = registry.load(config.backbone, measured)
    vectors_there = backbone.module.channels(config.crop.input_px)
    if unknown := [name for name in config.layers if name not in vectors_there]:
        raise InputError(f"layers: {unknown} are not vectors of {backbone.name}; it has {', '.join(vectors_there)}")
    everything = split.all()
    features = extract(everything, backbone, config.crop, Path(config.cache), device(config), grey)
    vectors = features.layers(config.layers)
    split = _without_defects(split, features, config)
    row_of = {sample: row for row, sample in enumerate(everything)}
    parts: dict[Part, Tensor] = {}
    names: tuple[Part, ...] = ("fit", "calibration", "test")
    for name in names:
        parts[name] = vectors[[row_of[sample] for sample in split.part(name)]]
    return Prepared(split, backbone, parts, features.content_sha256)


def _without_defects(split: Split, features: Features, config: RunConfig) -> Split:
    """The split without the samples whose images could not be used; counted, or refused."""
    if not features.defects:
        return split
    first = "\n  ".join(list(features.defects.values())[:5])
    if not (isinstance(config.data, SparkData) and config.data.on_defect == "skip"):
        raise InputError(
            f"{config.data.root}: {len(features.defects)} images cannot be used:\n  {first}\n"
            f"Run 'python -m train check {config.data.root}' to see all of them and mend the data, "
            "or set 'on_defect: skip' to leave these out"
        )
    bad = {sample for row, sample in enumerate(split.all()) if row in features.defects}

    def good(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(sample for sample in samples if sample not in bad)

    return dataclasses.replace(
        split,
        fit=good(split.fit),
        calibration=good(split.calibration),
        test=good(split.test),
        skipped=split.skipped | {"unusable image": len(bad)},
    )


def device(config: RunConfig) -> torch.device:
    """The device that the configuration asks for.

    Raises:
        InputError: CUDA is asked for and not there.
    """
    available = torch.cuda.is_available()
    if config.device == "cuda" and not available:
        raise InputError("device: cuda is asked for, but torch finds no CUDA device; set 'device: auto'")
    return torch.device("cuda" if available and config.device != "cpu" else "cpu")
