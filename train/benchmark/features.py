"""A protocol's features: of every sample in every view that some split trains or tests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from onboard.errors import InputError
from train.backbones import registry
from train.backbones.registry import Loaded
from train.backbones.trunk import Normalisation
from train.benchmark.config import BenchmarkConfig, Protocol
from train.data.config import SparkData
from train.data.samples import Sample
from train.features.extract import Features, extract
from train.heads.normals import Normals
from train.prepare import device
from train.views.recipe import View, views


@dataclass(frozen=True)
class ProtocolFeatures:
    """Features by sample and view.

    Attributes:
        features: of all rows.
        row_of: where a sample (by its key) in a view stands.
        blocks: the length of each of the backbone's vectors.
        train_views: those that every training sample has.
        weights_sha256: of the backbone.
    """

    features: Features
    row_of: dict[tuple[str, View], int]
    blocks: dict[str, int]
    train_views: list[View]
    protocol: Protocol
    weights_sha256: str

    def normals(self, samples: Sequence[Sample], layers: Sequence[str]) -> Normals:
        """What a head on these layers is fitted to: all training views of the samples."""
        rows = [self.row_of[sample.key, view] for sample in samples for view in self.train_views]
        labels = [sample.label for sample in samples for _ in self.train_views]
        numbers = np.repeat(np.arange(len(samples)), len(self.train_views))
        return Normals(self._take(rows, layers), labels, numbers, tuple(self.blocks[name] for name in layers))

    def judged(self, samples: Sequence[Sample], layers: Sequence[str], split: int) -> Tensor:
        """Features of samples as a head meets them, N x F, in the order given."""
        return self._take([self.row_of[s.key, test_view(self.protocol, split)] for s in samples], layers)

    def _take(self, rows: list[int], layers: Sequence[str]) -> Tensor:
        for name in layers:
            if name not in self.blocks:
                raise InputError(f"layers: '{name}' is no vector of the backbone; it has {', '.join(self.blocks)}")
        columns = [self.features.values[:, self.features.columns[name]][rows] for name in layers]
        return torch.from_numpy(np.concatenate(columns, axis=1))


def test_view(protocol: Protocol, split: int) -> View:
    """The one view in which a split's test sees a sample: without turns, with draws of the split's own."""
    # Far from the training's draws, which count up from zero.
    return views(msgspec.structs.replace(protocol.recipe, turns=1, copies=1), 1_000_000 + split)[0]


def training_views(protocol: Protocol) -> list[View]:
    """All views that a protocol trains on, each once."""
    recipes = [protocol.recipe, *(protocol.augment or ())]
    return list(dict.fromkeys(view for recipe in recipes for view in views(recipe)))


def protocol_features(config: BenchmarkConfig, protocol: Protocol, samples: Sequence[Sample]) -> ProtocolFeatures:
    """Extract a protocol's features, or find them in the cache.

    Raises:
        InputError: an image cannot be used.
    """
    norm = Normalisation(protocol.mean, protocol.std) if protocol.mean and protocol.std else None
    backbone: Loaded = registry.load(config.backbone, norm)
    crop = protocol.crop or config.crop
    train_views = training_views(protocol)
    tested = list(dict.fromkeys(test_view(protocol, split) for split in range(config.splits)))
    items = [(s, view) for s in samples for view in tested]
    items += [(s, view) for s in samples if not s.is_anomaly for view in train_views if view not in tested]
    grey = config.data.grey if isinstance(config.data, SparkData) else "refuse"
    found = extract(
        [s for s, _ in items], backbone, crop, Path(config.cache), device(config.device), grey, [v for _, v in items]
    )
    if found.defects:
        first = "\n  ".join(list(found.defects.values())[:5])
        raise InputError(f"{config.data.root}: {len(found.defects)} images cannot be used:\n  {first}")
    row_of = {(s.key, view): row for row, (s, view) in enumerate(items)}
    blocks = {name: columns.stop - columns.start for name, columns in found.columns.items()}
    return ProtocolFeatures(found, row_of, blocks, train_views, protocol, backbone.weights_sha256)
