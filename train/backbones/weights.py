"""Weights of backbones: found, read, checked and fingerprinted."""

import hashlib
import urllib.error
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from torch import Tensor, nn

from onboard.errors import InputError
from onboard.files import sha256


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a .pth or .safetensors file.

    Raises:
        InputError: the file is missing, or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such weights file; set backbone.weights to 'imagenet' or to a file that exists")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise InputError(
            f"{path}: not a file of weights ({type(error).__name__}); give what torch.save or safetensors wrote of a "
            "state_dict()"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no plain dict of tensors; save the model's state_dict() and give that")
    return state


def fill(model: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load the tensors into the model, all of them.

    Raises:
        InputError: names or shapes differ.
    """
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()
        raise InputError(f"{path}: the weights do not fit the backbone: {' '.join(first[:4])[:400]}") from error


def describe(path: Path) -> str:
    """A weights file for the record: its name and its SHA-256."""
    return f"{path.name} sha256:{sha256(path)}"


def refuse_non_finite(module: nn.Module, source: str) -> None:
    """Raises:
    InputError: a tensor holds NaN or an infinity; names it.
    """
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            raise InputError(f"weights {source}: tensor '{name}' holds {bad} NaN or infinite values; get the file anew")


def digest(module: nn.Module) -> str:
    """SHA-256 over the names, types, shapes and values of all tensors."""
    total = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        total.update(f"{name} {values.dtype} {tuple(values.shape)};".encode())
        total.update(values.reshape(-1).view(torch.uint8).numpy().tobytes() if values.numel() else b"")
    return total.hexdigest()


def torchvision_model(name: str, source: str) -> tuple[Any, str]:
    """A torchvision model with ImageNet (V1) weights, a file's weights, or random ones; and where they come from.

    Raises:
        InputError: the weights are neither here nor reachable, or do not fit.
    """
    model = torchvision.models.get_model(name, weights=None)
    if source == "random":
        return model, "random"
    if source != "imagenet":
        path = Path(source)
        fill(model, read_state(path), path)
        return model, describe(path)
    entry = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"]
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(entry.url).name
    try:
        state = entry.get_state_dict(progress=True, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"backbone.weights: the ImageNet weights of {name} are not here and cannot be downloaded ({error}). "
            f"Put the file {path.name} (from {entry.url}) into {path.parent}, or name it in backbone.weights"
        ) from error
    fill(model, state, path)
    return model, describe(path)


def _refuse_lacking(state: dict[str, Tensor], name: str, path: Path) -> None:
    """timm loads what it finds and leaves the rest random; a file must hold all but the classifier's last layer."""
    whole: Any = timm.create_model(name)
    last = whole.pretrained_cfg.get("classifier") or ()
    ends = tuple(f"{layer}." for layer in ([last] if isinstance(last, str) else last))
    lacking = [key for key in whole.state_dict() if key not in state and not key.startswith(ends or ("\0",))]
    if lacking:
        raise InputError(
            f"{path}: the weights do not fit timm's {name}: {len(lacking)} tensors are missing, such as '{lacking[0]}'"
        )


def timm_maps(name: str, source: str) -> tuple[Any, dict[str, Any], str]:
    """A timm model that returns its stages' maps, its data configuration, and where its weights come from.

    Raises:
        InputError: the model gives no maps; the weights are neither here nor reachable, or do not fit.
    """
    file = None if source in ("imagenet", "random") else Path(source)
    if file is not None:
        _refuse_lacking(read_state(file), name, file)
    # timm itself fits a whole classifier's file to the model that gives maps, whose tensors have other names.
    overlay = {"file": str(file)} if file is not None else None
    try:
        model = timm.create_model(
            name, pretrained=source != "random", features_only=True, pretrained_cfg_overlay=overlay
        )
    except (RuntimeError, NotImplementedError, AttributeError) as error:
        if file is not None:
            first = " ".join(str(error).split())[:300]
            raise InputError(f"{file}: the weights do not fit timm's {name}: {first}") from error
        raise InputError(
            f"backbone.name: timm's {name} cannot be built with the maps of its stages ({error}); "
            "use another model, or give a weights file in backbone.weights"
        ) from error
    except Exception as error:  # the hub's client raises its own kinds when there is no network
        raise InputError(
            f"backbone.weights: the weights of timm's {name} are not here and cannot be downloaded "
            f"({type(error).__name__}). Download its model.safetensors elsewhere and name the file in backbone.weights"
        ) from error
    described = describe(file) if file is not None else "random" if source == "random" else f"timm {timm.__version__}"
    return model, timm.data.resolve_data_config({}, model=model), described
