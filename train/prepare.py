"""From a configuration to features: what fit, evaluate and export all begin with."""

import dataclasses
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from onboard.errors import InputError
from train.backbones import registry
from train.backbones.registry import Loaded
from train.config import RunConfig
from train.data import load as loading
from train.data import statistics, twins
from train.data.config import Data, SparkData
from train.data.samples import Part, Sample, Split
from train.features.extract import Features, Item, extract
from train.heads.normals import Normals
from train.views.recipe import PLAIN, views


@dataclass(frozen=True)
class Prepared:
    """A split, the backbone, and the features.

    Attributes:
        split: without samples whose images cannot be used.
        backbone: frozen.
        normals: what a head is fitted to: all views of the split's `fit` part.
        features: of the parts as they are, without augmentation: float32, N x F, in the split's order.
        content_sha256: over the contents of all images.
    """

    split: Split
    backbone: Loaded
    normals: Normals
    features: dict[Part, Tensor]
    content_sha256: str


@dataclass(frozen=True)
class Plan:
    """What is known before the features, which take long: the split, and the backbone that has all layers."""

    split: Split
    backbone: Loaded


def plan(config: RunConfig) -> Plan:
    """Read and split the data, and load the backbone.

    Raises:
        InputError: see the loaders; too few normal images; layers that the backbone does not have.
    """
    split = loading.load(config.data, config.seed)
    refuse_too_few(split, config.data.root)
    backbone = backbone_of(config, split)
    there = backbone.module.channels(config.crop)
    if unknown := [name for name in config.layers if name not in there]:
        raise InputError(f"layers: {unknown} are not vectors of {backbone.name}; it has {', '.join(there)}")
    return Plan(split, backbone)


def prepare(config: RunConfig, planned: Plan | None = None) -> Prepared:
    """Extract the features of a plan, or of a new one (from the cache where they are in it).

    Raises:
        InputError: see `plan`; images that cannot be read, unless the configuration says to skip them; an image that
            stands in two parts.
    """
    planned = planned or plan(config)
    split, backbone = planned.split, planned.backbone
    grey = config.data.grey if isinstance(config.data, SparkData) else "refuse"
    vectors_there = backbone.module.channels(config.crop)
    augmented = [view for recipe in config.augment for view in views(recipe, config.seed)]
    items = [(sample, PLAIN) for sample in split.all()]
    items += [(sample, view) for sample in split.fit for view in augmented if view != PLAIN]
    features = extract(
        [sample for sample, _ in items],
        backbone,
        config.crop,
        Path(config.cache),
        device(config.device),
        grey,
        [view for _, view in items],
    )
    vectors = features.layers(config.layers)
    split = _without_defects(split, items, features, config)
    refuse_too_few(split, config.data.root)
    digests = {sample.key: features.digests[row] for row, (sample, _) in enumerate(items) if row in features.digests}
    twins.refuse_shared(split, digests, config.data.root)
    row_of = {item: row for row, item in enumerate(items)}
    names: tuple[Part, ...] = ("fit", "calibration", "test")
    parts = {name: vectors[[row_of[sample, PLAIN] for sample in split.part(name)]] for name in names}
    trained_on = [(number, sample, view) for number, sample in enumerate(split.fit) for view in augmented]
    kinds = [view.recipe for view in augmented]
    normals = Normals(
        vectors[[row_of[sample, view] for _, sample, view in trained_on]],
        [sample.label for _, sample, _ in trained_on],
        np.array([number for number, _, _ in trained_on], np.int64),
        config.layers,
        tuple(vectors_there[name] for name in config.layers),
        np.array([kinds.index(view.recipe) for _, _, view in trained_on], np.int64),
    )
    return Prepared(split, backbone, normals, parts, features.content_sha256)


def refuse_too_few(split: Split, root: str) -> None:
    """Refuse a split that leaves too few normals to train on, or none to calibrate with."""
    if len(split.fit) < 2:
        raise InputError(f"{root}: {len(split.fit)} normal images to train on; at least 2 are needed, add images")
    if not split.calibration:
        raise InputError(
            f"{root}: no normal image is left for the calibration, for every class has a single one; "
            "add images, at least two of some class"
        )


def backbone_of(config: RunConfig, split: Split) -> Loaded:
    """The configuration's backbone, normalised by the split's own pixels where it says so.

    Raises:
        InputError: see `train.backbones.registry.load`.
    """
    grey = config.data.grey if isinstance(config.data, SparkData) else "refuse"
    measured = statistics.measure(split.fit, grey) if config.backbone.normalisation == "data" else None
    return registry.load(config.backbone, measured, config.crop)


def _without_defects(split: Split, items: list[Item], features: Features, config: RunConfig) -> Split:
    """The split without the samples whose images could not be used; counted, or refused."""
    refuse_unless_skipped(config.data, list(features.defects.values()))
    return without(split, {items[row][0].key for row in features.defects})


def refuse_unless_skipped(data: Data, defects: Sequence[str]) -> None:
    """Refuse images that cannot be used, where the configuration does not say to leave them out."""
    if not defects or (isinstance(data, SparkData) and data.on_defect == "skip"):
        return
    first = "\n  ".join(defects[:5])
    raise InputError(
        f"{data.root}: {len(defects)} images cannot be used:\n  {first}\n"
        f"Run 'python -m train check {data.root}' to see all of them and mend the data, "
        "or set 'on_defect: skip' to leave these out"
    )


def without(split: Split, unusable: Set[str]) -> Split:
    """The split without samples whose images cannot be used, by their keys; counted in `skipped`."""
    if not unusable:
        return split

    def good(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(sample for sample in samples if sample.key not in unusable)

    return dataclasses.replace(
        split,
        fit=good(split.fit),
        calibration=good(split.calibration),
        test=good(split.test),
        skipped=split.skipped | {"unusable image": len(unusable)},
    )


def device(asked: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that a configuration asks for; under torchrun each process has its own GPU.

    On a GPU convolutions are then in float32 all through: TensorFloat-32 keeps 10 bits of a product, and the bundle's
    features, which ONNX Runtime computes in float32, would no longer be those that the head was fitted to.

    Raises:
        InputError: CUDA is asked for and not there.
    """
    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise InputError("device: cuda is asked for, but torch finds no CUDA device; set 'device: auto'")
    if not available or asked == "cpu":
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False
    # With its number, for what is current holds for one thread alone, and the backbone runs in another.
    return torch.device("cuda", torch.cuda.current_device())
