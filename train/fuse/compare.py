"""A fused graph against the untouched pose network, in ONNX Runtime."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto

from onboard.errors import InputError
from onboard.window import Window
from train.fuse.parts import IMAGE
from train.onnx_model.ports import ImagePort
from train.onnx_model.running import session

Array = npt.NDArray[Any]
OPTIMISED_RTOL = 1e-5  # of an output's largest value, with ONNX Runtime's optimisation on
HALF_RTOL = 2e-3  # where the same float16 arithmetic is rounded at other places: a unit in the last place is 1e-3


def outputs_of(
    model: ModelProto, feed: dict[str, Array], path: Path, optimised: bool = False, more: Sequence[str] = ()
) -> dict[str, Array]:
    """All outputs by name, and `more` tensors; on the CPU with one thread."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    there = {value.name for value in probe.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(more) if name not in there)
    running = session(probe, str(path), optimised)
    names = [output.name for output in running.get_outputs()]
    return dict(zip(names, running.run(names, feed), strict=True))


def images(before: ModelProto, port: ImagePort, windows: Iterable[Window], path: Path) -> list[dict[str, Array]]:
    """What the network is fed for each window, by its input's name.

    Args:
        before: the preprocessing, from `window` and `box` to `image` and whatever else the fused network takes.
        port: the network's input.
        windows: of real frames.
        path: what an error calls the network.
    """
    running = session(before, str(path))
    names = [port.name if output.name == IMAGE else output.name for output in running.get_outputs()]
    feeds = ({"window": window.pixels[None], "box": window.region[None]} for window in windows)
    return [dict(zip(names, running.run(None, feed), strict=True)) for feed in feeds]


def refuse_changed(pose: dict[str, Array], fused: dict[str, Array], path: Path, rtol: float = 0.0) -> None:
    """Raises:
    InputError: an output of the fused graph is not the untouched network's: bit for bit with `rtol` 0, else within that
        share of the output's largest value (float16 outputs: within `HALF_RTOL` at least).
    """
    for name, wanted in pose.items():
        found = fused[name]
        same = np.array_equal(wanted, found, equal_nan=wanted.dtype.kind == "f")
        if rtol and wanted.dtype.kind == "f" and wanted.shape == found.shape and wanted.size:
            relative = rtol if wanted.dtype.itemsize >= 4 else max(rtol, HALF_RTOL)
            limit = relative * float(np.abs(wanted.astype(np.float64)).max())
            same |= float(np.abs(wanted.astype(np.float64) - found).max()) <= limit
        if not same:
            raise InputError(
                f"{path}: output '{name}' of the fused graph differs from the untouched network's"
                f"{' by more than rounding does' if rtol else ''}, so no bundle is written; report this with the file"
            )
