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
from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from train.backbones.trunk import POOLED, SPREAD, Backbone, spread
from train.box_pool import BoxPool
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
        OnnxBackbone(part, port, taps, path, pool_of(spec)),
        walk.digest(part),
        f"{path.name} sha256:{files.sha256(path)}",
    )


def pool_of(spec: CropSpec) -> BoxPool | None:
    """What pools a map over the box; None where the network sees the crop, whose map is all box."""
    return BoxPool(spec.input_hw, spec.margin) if spec.whole else None


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
    InputError: a tap is no float map or vector of the network; names near ones. Of a network that sees the whole
        frame, a tap without places is none of the box's.
    """
    known = kinds(model, port, *spec.input_hw)
    usable = set(listing.from_image(model.graph, port.name, known))
    made = {name for node in model.graph.node for name in node.output}
    for tap in taps:
        if tap in usable and spec.whole and known[tap].shape[2:] in ((), (1, 1)):
            raise InputError(
                f"backbone.tap: '{tap}' has no places (a vector, or a map of one cell): it is about the whole frame, "
                "not the box; with 'crop.view: frame' tap a map of more cells (1 x C x h x w): "
                f"'python -m train taps {path}' lists them"
            )
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
        pool: of maps over the box, where the network sees the whole frame.

    Raises:
        InputError: ONNX Runtime refuses the network.
    """

    def __init__(
        self, model: ModelProto, port: ImagePort, taps: Sequence[str], path: Path, pool: BoxPool | None = None
    ) -> None:
        super().__init__([], {})
        self.pool = pool
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

    def forward(self, x: Tensor, box: Tensor | None = None) -> dict[str, Tensor]:
        """A map's average and spread, or a vector as it is, B x C each; over the box (B x 4, pixels of x) if given."""
        return vectors(self.names, self.tapped(x), self.pool, box)

    def channels(self, spec: CropSpec | None = None) -> dict[str, int]:
        """The length of each vector that `forward` gives for such crops or frames."""
        if self.pool is None:
            return super().channels(spec)
        height, width = self.pool.input_hw
        box = torch.tensor([[0.0, 0.0, width, height]])
        with torch.no_grad():
            found = self(torch.zeros(1, self.port.channels, height, width), box)
        return {name: vector.shape[1] for name, vector in found.items()}


def vectors(
    names: Sequence[str], tensors: Sequence[Tensor], pool: BoxPool | None = None, box: Tensor | None = None
) -> dict[str, Tensor]:
    """Vectors by name, B x C each, of maps B x C x h x w and of vectors; maps are pooled over the box, if there is one.

    The averages and vectors come first, then the spreads.
    """
    means, spreads = {}, {}
    for name, tensor in zip(names, tensors, strict=True):
        if tensor.dim() != 4:
            means[name] = tensor
        elif pool is not None and box is not None:
            means[name], spreads[f"{name}{SPREAD}"] = pool(tensor, box)
        else:
            means[name], spreads[f"{name}{SPREAD}"] = tensor.mean(dim=(2, 3)), spread(tensor)
    return means | spreads
