"""A run's folder: what `fit` writes, and `evaluate` and `export` read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from onboard import files, strict_yaml
from onboard.errors import InputError
from train.config import RunConfig
from train.heads.fitting import Model, for_loading
from train.plume.config import PlumeOptions
from train.saving import save

CONFIG, PROVENANCE, HEAD, HISTORY = "config.yaml", "provenance.yaml", "head.pt", "history.json"
CHECKPOINT, EPOCH_LOGITS = "checkpoint.pt", "epoch_logits.npy"


@dataclass(frozen=True)
class FittedHead:
    """A fitted head.

    Attributes:
        model: in evaluation mode, on the CPU.
        feature_dim: F, the length of the feature vector that it takes.
        learning_rate: the schedule's maximum; None for a head in closed form.
        split_sha256: of the data split that it was fitted with.
        weights_sha256: of the backbone.
        content_sha256: of all the images.
    """

    model: Model
    feature_dim: int
    learning_rate: float | None
    split_sha256: str
    weights_sha256: str
    content_sha256: str


def folder_of(config_path: Path, run: str | None) -> Path:
    """The run's folder: the one named, or `runs/<config name>`."""
    return Path(run) if run else Path("runs") / config_path.stem


def resolved(config: RunConfig) -> RunConfig:
    """The configuration with every preset written out."""
    if not isinstance(config.head, PlumeOptions):
        return config
    settings = msgspec.structs.asdict(config.head.resolve())
    return msgspec.structs.replace(config, head=msgspec.structs.replace(config.head, **settings))


def write_config(run: Path, config: RunConfig, provenance: dict[str, Any]) -> None:
    """Save the resolved configuration and what the result comes from."""
    files.write_text(run / CONFIG, strict_yaml.dump(resolved(config)))
    files.write_text(run / PROVENANCE, strict_yaml.dump(provenance))


def read_config(run: Path) -> RunConfig:
    """The configuration that a run was made with.

    Raises:
        InputError: there is no such run.
    """
    if not (run / CONFIG).is_file():
        raise InputError(f"{run}: no run here ({CONFIG} is missing); make one with 'python -m train fit CONFIG'")
    return strict_yaml.load(run / CONFIG, RunConfig)


def write_head(run: Path, head: FittedHead) -> None:
    """Save what flies of the head; the perturbator has done its work."""
    state = {name: value for name, value in head.model.state_dict().items() if not name.startswith("perturbator.")}
    saved = {
        "state": state,
        "feature_dim": head.feature_dim,
        "learning_rate": head.learning_rate,
        "split_sha256": head.split_sha256,
        "weights_sha256": head.weights_sha256,
        "content_sha256": head.content_sha256,
    }
    save(run / HEAD, saved)


def read_head(run: Path, config: RunConfig) -> FittedHead:
    """The fitted head of a run.

    Raises:
        InputError: the run was never finished, or its head cannot be read or holds values that are not finite.
    """
    path = run / HEAD
    if not path.is_file():
        raise InputError(f"{path}: not there, the run was not finished; go on with 'python -m train fit CONFIG'")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        model = for_loading(config.head, saved["feature_dim"], saved["state"])
        model.load_state_dict(saved["state"])
        if not {"learning_rate", "split_sha256", "weights_sha256", "content_sha256"} <= saved.keys():
            raise ValueError("it lacks hashes")
    except Exception as error:  # torch raises many kinds for a file that is no state
        raise InputError(
            f"{path}: damaged, or of another version ({type(error).__name__}); remove {run} and fit it again"
        ) from error
    for name, value in saved["state"].items():
        if not bool(torch.isfinite(value).all()):
            raise InputError(f"{path}: tensor '{name}' holds NaN or infinite values; remove {run} and fit it again")
    names = ("feature_dim", "learning_rate", "split_sha256", "weights_sha256", "content_sha256")
    return FittedHead(model.eval(), *(saved[name] for name in names))


def write_history(run: Path, history: list[dict[str, float]], logits: npt.NDArray[np.float32]) -> None:
    """Save the losses by epoch, and the test samples' logits after each epoch (float32 [epochs, M])."""
    files.write_bytes(run / HISTORY, msgspec.json.format(msgspec.json.encode(history)) + b"\n")
    with files.whole(run / EPOCH_LOGITS) as beside:
        np.save(beside, logits)
