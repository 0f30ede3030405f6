"""The cells of a benchmark: one fit of one method, kept in one file, so that a run that was stopped goes on."""

import hashlib
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from onboard import files
from train.backbones.registry import BackboneOptions
from train.benchmark.config import BenchmarkConfig, Method
from train.benchmark.features import ProtocolFeatures, test_view
from train.data.samples import Sample, Split
from train.heads.fitting import Model, fit_head, logits_of
from train.heads.scaled import Scaled
from train.plume.config import PlumeOptions
from train.prepare import device

FORMAT = 1  # to be raised when what a cell holds, or how it is computed, changes


@dataclass(frozen=True)
class Cell:
    """What is fitted: a method on a protocol's features of a split, with a seed, perhaps without some normals."""

    protocol: str
    normal_class: str | None
    split: int
    method: str
    seed: int
    left_out: int | None = None


@dataclass(frozen=True)
class Result:
    """What a cell gives.

    Attributes:
        logits: of what was judged, float32 [epochs, M]: the split's test, or held-back normals, then those left out.
        calibration: of the split's calibration part after the last epoch, float32.
        normals: for a group left out: how many of the M are held-back normals.
        debris: for a group left out, where `unseen` asks for it: of the test's debris, float32 [epochs, D].
    """

    logits: npt.NDArray[np.float32]
    calibration: npt.NDArray[np.float32]
    normals: int
    debris: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((1, 0), np.float32))


def cells(config: BenchmarkConfig, protocol: str, normal_class: str | None, split: int, groups: int) -> Iterator[Cell]:
    """The cells of one split under one protocol."""
    for name, method in config.methods.items():
        if (method.protocols and protocol not in method.protocols) or split >= (method.splits or split + 1):
            continue
        for seed in range(config.seeds if method.seeded else 1):
            yield Cell(protocol, normal_class, split, name, seed)
        if method.candidate and split < config.selection_splits:
            for group in range(groups):
                yield Cell(protocol, normal_class, split, name, 0, group)


def path_of(
    out: Path,
    cell: Cell,
    config: BenchmarkConfig,
    table: ProtocolFeatures,
    split: Split,
    groups: Sequence[frozenset[str]],
) -> Path:
    """The cell's file; its name holds a hash of all that decides the result."""
    decides = {
        **_fit_decided_by(cell, config, table, groups),
        "judged": msgspec.to_builtins(test_view(table.protocol, cell.split)),
        "split": split.hash(),
        "images": table.content_sha256,
        **({"debris": True} if _judges_debris(cell, config) else {}),
    }
    digest = hashlib.sha256(msgspec.json.encode(decides, order="deterministic")).hexdigest()[:16]
    what = "test" if cell.left_out is None else f"without{cell.left_out}"
    normal = f"{cell.normal_class}-" if cell.normal_class else ""
    return (
        out / "cells" / cell.protocol / cell.method / f"{normal}split{cell.split}-seed{cell.seed}-{what}-{digest}.npz"
    )


def _fit_decided_by(
    cell: Cell, config: BenchmarkConfig, table: ProtocolFeatures, groups: Sequence[frozenset[str]]
) -> dict[str, Any]:
    """What decides a fit, besides the data: plain data."""
    method = config.methods[cell.method]
    head = msgspec.to_builtins(method.head)
    if isinstance(method.head, PlumeOptions):  # what a preset's name stands for, too
        head = {"kind": "plume", **msgspec.to_builtins(method.head.resolve())}
    if head.get("weights") == "spread":
        del head["weights"]  # so that what was computed before there was a choice is found
    stand_ins: list[Any] | None = None
    if cell.left_out is not None:
        stand_ins = [config.stand_ins, config.left_out]
        if config.stand_ins == "clusters":  # which come of the features, and of another library
            stand_ins.append(sorted(groups[cell.left_out]))
    backbone, own = config.backbone, BackboneOptions()
    normalisation = [backbone.normalisation, backbone.mean, backbone.std]
    if normalisation == [own.normalisation, own.mean, own.std]:
        normalisation = []  # so that what was computed before this was looked at is found
    return {
        "format": FORMAT,
        "head": head,
        "layers": method.layers,
        "fit": msgspec.to_builtins(method.fit),
        "views": [msgspec.to_builtins(view) for view in table.train_views],
        "crop": msgspec.to_builtins(table.protocol.crop or config.crop),
        "normalisation": [table.protocol.mean, table.protocol.std, *normalisation],
        "weights": table.weights_sha256,
        "stand_ins": stand_ins,
    }


def compute(
    cell: Cell,
    config: BenchmarkConfig,
    table: ProtocolFeatures,
    split: Split,
    groups: list[frozenset[str]],
    checkpoint: Path | None = None,
) -> Result:
    """Fit the method and judge what the cell is about; `checkpoint` as `fit_head` takes it."""
    method: Method = config.methods[cell.method]
    fit, calibration, judged, debris = split.fit, split.calibration, split.test, tuple[Sample, ...]()
    if cell.left_out is not None:
        away = groups[cell.left_out]
        judged = tuple(s for s in (*split.fit, *split.calibration) if s.key in away)
        fit = tuple(s for s in split.fit if s.key not in away)
        calibration = tuple(s for s in split.calibration if s.key not in away)
        judged = (*calibration, *judged)
        if _judges_debris(cell, config):
            debris = tuple(s for s in split.test if s.is_anomaly)
    watched = table.judged((*judged, *debris), method.layers, cell.split)
    known = msgspec.json.encode([split.hash(), cell.seed, cell.left_out, cell.split])
    known += msgspec.json.encode(_fit_decided_by(cell, config, table, groups), order="deterministic")
    model: Model | None = _KEPT.get(known)
    if model is not None:  # fitted for another protocol that differs in what is judged alone
        logits = logits_of(model, watched)[None]
    else:
        normals = table.normals(fit, method.layers)
        seed = 1000 * cell.split + cell.seed
        fitted = fit_head(method.head, normals, method.fit, seed, device(config.device), watched, checkpoint)
        model, logits = fitted.model, fitted.watched
        if table.protocol.augment and isinstance(model, Scaled):
            _KEPT.keep(known, model)
    held_back = logits_of(model, table.judged(calibration, method.layers, cell.split))
    return Result(logits[:, : len(judged)], held_back, len(calibration), logits[:, len(judged) :])


def _judges_debris(cell: Cell, config: BenchmarkConfig) -> bool:
    return config.unseen and cell.left_out is not None


class _Kept:
    """Heads in closed form, the latest ones up to some bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._models: OrderedDict[bytes, Scaled] = OrderedDict()

    def get(self, key: bytes) -> Scaled | None:
        return self._models.get(key)

    def keep(self, key: bytes, model: Scaled) -> None:
        self._models[key] = model
        self._bytes += _bytes_of(model)
        while self._bytes > self._most and self._models:
            _, oldest = self._models.popitem(last=False)
            self._bytes -= _bytes_of(oldest)


def _bytes_of(model: Scaled) -> int:
    return sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())


_KEPT = _Kept(3 << 30)


def write(path: Path, result: Result) -> None:
    """Keep a cell's result, whole or not at all."""
    with files.whole(path) as beside:
        np.savez(beside, **vars(result))


def read(path: Path) -> Result | None:
    """A cell's result; None where it is not there, or damaged and to be computed anew."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            debris = kept["debris"] if "debris" in kept else kept["logits"][:, :0]  # files from before there was one
            return Result(kept["logits"], kept["calibration"], int(kept["normals"]), debris)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
