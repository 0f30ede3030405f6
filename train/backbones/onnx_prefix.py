"""The user's own ONNX network up to a tap, as a backbone."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from onnx import ModelProto
from torch import Tensor

from onboard import files
from onboard.errors import InputError
from onboard.window import CropSpec
from train.backbones.trunk import POOLED, SPREAD, Backbone, spread
from train.onnx_model import load as loading
from train.onnx_model import taps as listing
from train.onnx_model import walk
from train.onnx_model.ports import ImagePort, image_port
from train.onnx_model.running import session
from train.onnx_model.shapes import kinds


@dataclass(frozen=True)
class Prefix:
    """A network's part before its taps.

    Attributes:
        name: the file's name and the taps.
        module: runs it.
        sha256: of what it computes (see `train.onnx_model.walk.digest`).
        source: the file's name and its SHA-256.
    """

    name: str
    module: "OnnxBackbone"
    sha256: str
    source: str


def load(path: Path, taps: Sequence[str], spec: CropSpec) -> Prefix:
    """Cut out what the taps need.

    Raises:
        InputError: the file cannot be used, has no such tap, or does not take such crops.
    """
    model = loading.load(path)
    port = image_port(model, path)
    refuse_other_input(port, spec, path)
    refuse_unknown_taps(model, port, taps, spec, path)
    part = walk.prefix(model, taps)
    return Prefix(
        f"{path.name}:{'+'.join(taps)}",
        OnnxBackbone(part, port, taps, path),
        walk.digest(part),
        f"{path.name} sha256:{files.sha256(path)}",
    )


def refuse_other_input(port: ImagePort, spec: CropSpec, path: Path) -> None:
    """Raises:
    InputError: the network takes another size or other channels than the crop gives.
    """
    height, width = spec.input_hw
    if (port.height or height, port.width or width) != (height, width):
        raise InputError(
            f"crop.input_px: the crop gives {height} x {width} (height x width), but {path} takes "
            f"{port.height} x {port.width}; set crop.input_px: [{port.height}, {port.width}]"
        )
    given = 1 if spec.channels == "grey" else 3
    if given != port.channels:
        allowed = "grey" if port.channels == 1 else "rgb or bgr"
        raise InputError(
            f"crop.channels: {spec.channels} gives {given} channels, but {path} takes {port.channels}; set {allowed}"
        )


def refuse_unknown_taps(model: ModelProto, port: ImagePort, taps: Sequence[str], spec: CropSpec, path: Path) -> None:
    """Raises:
    InputError: a tap is no float map or vector of the network; names near ones.
    """
    usable = set(listing.from_image(model.graph, port.name, kinds(model, port, *spec.input_hw)))
    made = {name for node in model.graph.node for name in node.output}
    for tap in taps:
        if tap in usable:
            continue
        near = difflib.get_close_matches(tap, sorted(usable), 3)
        hint = f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
        what = (
            "is no float map (4-D) or vector (2-D) made from the image"
            if tap in made
            else "is no tensor of the network"
        )
        raise InputError(f"backbone.tap: '{tap}' {what}.{hint} 'python -m train taps {path} --all' lists them")


class OnnxBackbone(Backbone):
    """The prefix of a network, run by ONNX Runtime on the CPU with one thread, unoptimised: the same bits each time.

    Args:
        model: the prefix; its outputs are the taps.
        port: the network's image input.
        taps: one tap's vectors are called `pooled` and `pooled_std`; several taps' by their names.
        path: what an error calls the network.

    Raises:
        InputError: ONNX Runtime refuses the network.
    """

    def __init__(self, model: ModelProto, port: ImagePort, taps: Sequence[str], path: Path) -> None:
        super().__init__([], {})
        self.port, self.tensors = port, list(taps)
        self.names = [POOLED] if len(self.tensors) == 1 else self.tensors
        self._session = session(model, str(path))

    def tapped(self, x: Tensor) -> list[Tensor]:
        """The taps' tensors, float32, of normalised input B x C x H x W."""
        image = x.detach().cpu().numpy().astype(self.port.dtype)
        if self.port.channels_last:
            image = image.transpose(0, 2, 3, 1)
        batches = np.split(image, len(image)) if self.port.batch == 1 else [image]
        done = [self._session.run(self.tensors, {self.port.name: np.ascontiguousarray(batch)}) for batch in batches]
        joined = [np.concatenate(parts).astype(np.float32) for parts in zip(*done, strict=True)]
        return [torch.from_numpy(values).to(x.device) for values in joined]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """A map's average and spread, or a vector as it is, B x C each."""
        return vectors(self.names, self.tapped(x))


def vectors(names: Sequence[str], tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    """Vectors by name, B x C each, of maps B x C x h x w and of vectors."""
    found = {
        name: tensor.mean(dim=(2, 3)) if tensor.dim() == 4 else tensor
        for name, tensor in zip(names, tensors, strict=True)
    }
    maps = [(name, tensor) for name, tensor in zip(names, tensors, strict=True) if tensor.dim() == 4]
    return found | {f"{name}{SPREAD}": spread(tensor) for name, tensor in maps}
