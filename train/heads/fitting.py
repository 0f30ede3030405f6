"""Any head that a configuration names, fitted to normals."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from train.config import FitOptions, HeadOptions
from train.heads import blocks, distilled, gaussian, neighbours, pca, unit
from train.heads.config import ClosedForm, DistilledOptions, GaussianOptions, NeighboursOptions, sets_of
from train.heads.normals import Normals
from train.heads.scaled import Scaled
from train.plume.config import PlumeOptions
from train.plume.model import Plume
from train.plume.training import train

Model = Plume | Scaled
_CHUNK = 4096


@dataclass
class Fitted:
    """What fitting leaves.

    Attributes:
        model: in evaluation mode, on the CPU.
        learning_rate: of heads that are trained by steps, the schedule's maximum.
        history: mean of each loss, by epoch; empty for heads in closed form.
        watched: logits of the watched features after each epoch, float32 [epochs, M]; one row for a closed form.
    """

    model: Model
    learning_rate: float | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    watched: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def fit_head(
    options: HeadOptions,
    normals: Normals,
    steps: FitOptions,
    seed: int,
    device: torch.device,
    watched: Tensor,
    checkpoint: Path | None = None,
) -> Fitted:
    """Fit a head. No label of an anomaly enters: `watched` features, M x F, are only scored.

    Raises:
        InputError: fewer than two normals, features that are not finite, or a loss that became so.
    """
    if isinstance(options, PlumeOptions):
        trained = train(normals.features, options.resolve(), steps, seed, device, watched, checkpoint)
        return Fitted(trained.model.cpu(), trained.learning_rate, trained.history, trained.watched)
    model = Scaled(fit_closed(options, normals, seed)).eval()
    return Fitted(model, watched=logits_of(model, watched)[None])


def fit_closed(options: ClosedForm, normals: Normals, seed: int) -> nn.Module:
    """Fit a head in closed form, or one for each set of the backbone's vectors."""
    if options.scale == "unit":
        return unit.fit(normals, partial(fit_closed, msgspec.structs.replace(options, scale="none"), seed=seed))
    sets = sets_of(options, normals.layers)
    if len(sets) > 1:
        return blocks.fit(normals, sets, options.weights == "spread", partial(_fit_one, options, seed))
    return _fit_one(options, seed, normals)


def _fit_one(options: ClosedForm, seed: int, normals: Normals) -> nn.Module:
    if isinstance(options, NeighboursOptions):
        return neighbours.fit(normals, options, seed)
    if isinstance(options, GaussianOptions):
        return gaussian.fit(normals, options, seed)
    if isinstance(options, DistilledOptions):
        return distilled.fit(normals, options, seed)
    return pca.fit(normals, options, seed)


def logits_of(model: nn.Module, features: Tensor) -> npt.NDArray[np.float32]:
    """Logits, float32 [N], of features, N x F, some at a time."""
    if not len(features):
        return np.zeros(0, np.float32)
    with torch.inference_mode():
        return np.concatenate([model(part).float().cpu().numpy() for part in features.split(_CHUNK)])


def for_loading(options: HeadOptions, feature_dim: int, state: dict[str, Tensor]) -> Model:
    """A head of the right shapes for a saved state.

    Args:
        options: with which it was fitted.
        feature_dim: F.
        state: its tensors, by name.
    """
    if isinstance(options, PlumeOptions):
        return Plume.for_scoring(feature_dim, options.resolve())
    return Scaled(_closed_for_loading(options, _below(state, "head.")))


def _closed_for_loading(options: ClosedForm, inner: dict[str, Tensor]) -> nn.Module:
    if options.scale == "unit":
        directions = msgspec.structs.replace(options, scale="none")
        return unit.UnitBlocks(_closed_for_loading(directions, _below(inner, "head.")), inner["blocks"].tolist())
    if "spreads" not in inner:
        return _empty(options, inner)
    heads = [_empty(options, _below(inner, f"heads.{index}.")) for index in range(len(inner["spreads"]))]
    return blocks.for_loading(heads, inner["blocks"], inner["members"])


def _empty(options: ClosedForm, state: dict[str, Tensor]) -> nn.Module:
    loader: Any = pca
    for kind, module in ((GaussianOptions, gaussian), (NeighboursOptions, neighbours), (DistilledOptions, distilled)):
        if isinstance(options, kind):
            loader = module
    head: nn.Module = loader.for_loading(state, options)
    return head


def _below(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
