"""A protocol's features: of every sample in every view that some split trains or tests on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onboard.errors import InputError
from train.backbones import registry
from train.backbones.registry import Loaded
from train.backbones.trunk import Normalisation
from train.benchmark.config import BenchmarkConfig, Protocol
from train.data.config import SparkData
from train.data.samples import Sample
from train.features.extract import extract
from train.heads.normals import Normals
from train.prepare import device, refuse_unless_skipped
from train.views.recipe import View, views


@dataclass(frozen=True)
class ProtocolFeatures:
    """Features by sample and view.

    Attributes:
        values: float32, all rows one below the other, all of the backbone's vectors side by side.
        columns: where each of these vectors lies.
        row_of: where a sample (by its key) in a view stands.
        train_views: those that every training sample has.
        protocol: how the crops came about.
        weights_sha256: of the backbone.
        content_sha256: of the images.
        digests: of each image's content, by the sample's key.
        unusable: the keys of samples whose images could not be used; their rows hold NaN.
    """

    values: npt.NDArray[np.float32]
    columns: dict[str, slice]
    row_of: dict[tuple[str, View], int]
    train_views: list[View]
    protocol: Protocol
    weights_sha256: str
    content_sha256: str
    digests: dict[str, bytes]
    unusable: frozenset[str]

    def normals(self, samples: Sequence[Sample], layers: Sequence[str]) -> Normals:
        """What a head on these layers is fitted to: all training views of the samples."""
        rows = [self.row_of[sample.key, view] for sample in samples for view in self.train_views]
        labels = [sample.label for sample in samples for _ in self.train_views]
        numbers = np.repeat(np.arange(len(samples)), len(self.train_views))
        kinds = [view.recipe for view in self.train_views]
        kind_of = [kinds.index(kind) for kind in kinds] * len(samples)
        features = self._take(rows, layers)
        blocks = tuple(self.columns[name].stop - self.columns[name].start for name in layers)
        return Normals(features, labels, numbers, tuple(layers), blocks, np.array(kind_of, np.int64))

    def judged(self, samples: Sequence[Sample], layers: Sequence[str], split: int) -> Tensor:
        """Features of samples as a head meets them, N x F, in the order given."""
        return self._take([self.row_of[s.key, test_view(self.protocol, split)] for s in samples], layers)

    def _take(self, rows: list[int], layers: Sequence[str]) -> Tensor:
        for name in layers:
            if name not in self.columns:
                raise InputError(f"layers: '{name}' is no vector of the backbone; it has {', '.join(self.columns)}")
        return torch.from_numpy(np.concatenate([self.values[:, self.columns[name]][rows] for name in layers], axis=1))


def test_view(protocol: Protocol, split: int) -> View:
    """The one view in which a split's test sees a sample: without turns, with draws of the split's own."""
    # Far from the training's draws, which count up from zero.
    return views(msgspec.structs.replace(protocol.recipe, turns=1, copies=1), 1_000_000 + split)[0]


def backbone_of(config: BenchmarkConfig, protocol: Protocol) -> Loaded:
    """The backbone for a protocol's crops.

    Raises:
        InputError: see `train.backbones.registry.load`.
    """
    norm = Normalisation(protocol.mean, protocol.std) if protocol.mean and protocol.std else None
    return registry.load(config.backbone, norm, protocol.crop or config.crop)


def protocol_features(config: BenchmarkConfig, protocol: Protocol, samples: Sequence[Sample]) -> ProtocolFeatures:
    """Extract a protocol's features, or find them in the cache, which has a part for each recipe.

    Raises:
        InputError: an image cannot be used, and the configuration does not say to skip it.
    """
    backbone = backbone_of(config, protocol)
    grey = config.data.grey if isinstance(config.data, SparkData) else "refuse"
    normal = [sample for sample in samples if not sample.is_anomaly]
    tested = list(dict.fromkeys(test_view(protocol, split) for split in range(config.splits)))
    parts = [[(s, view) for s in samples for view in tested]]
    for recipe in protocol.trained_on:
        if not set(views(recipe)) <= set(tested):
            parts.append([(s, view) for s in normal for view in views(recipe)])
    found = [
        extract(
            [sample for sample, _ in part],
            backbone,
            protocol.crop or config.crop,
            Path(config.cache),
            device(config.device),
            grey,
            [view for _, view in part],
        )
        for part in parts
    ]
    # By sample, for each is here in several views.
    defects = {part[row][0].key: said for part, f in zip(parts, found, strict=True) for row, said in f.defects.items()}
    refuse_unless_skipped(config.data, list(defects.values()))
    items = [item for part in parts for item in part]
    digests = {part[row][0].key: d for part, f in zip(parts, found, strict=True) for row, d in f.digests.items()}
    return ProtocolFeatures(
        np.concatenate([features.values for features in found]) if len(found) > 1 else found[0].values,
        found[0].columns,
        {(sample.key, view): row for row, (sample, view) in enumerate(items)},
        [view for recipe in protocol.trained_on for view in views(recipe)],
        protocol,
        backbone.weights_sha256,
        hashlib.sha256("".join(features.content_sha256 for features in found).encode()).hexdigest(),
        digests,
        frozenset(defects),
    )
