"""Graphs in ONNX Runtime, as the node runs them, and the windows that go in."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tqdm import tqdm

from calibration.frames import LabelledFrame
from onboard import image
from onboard.bundle import Bundle
from onboard.errors import InputError
from onboard.image import Grey
from onboard.ort_options import session_options
from onboard.window import BoxError, Window, cut

Feed = dict[str, npt.NDArray[Any]]


def session(model: bytes, name: object) -> onnxruntime.InferenceSession:
    """A graph on one thread, optimised as the node has it.

    Args:
        model: serialised.
        name: what an error calls it.

    Raises:
        InputError: ONNX Runtime refuses it.
    """
    options = session_options()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common base class
        raise InputError(f"{name}: ONNX Runtime {onnxruntime.__version__} refuses the graph: {error}") from error


def feed(window: Window) -> Feed:
    """A window as the graph takes it."""
    return {"window": window.pixels[None], "box": window.region[None]}


def feeds(
    bundle: Bundle,
    frames: Sequence[tuple[str, LabelledFrame]],
    grey: Grey,
    told: str,
    like: LabelledFrame | None = None,
) -> Iterator[tuple[str, Feed]]:
    """What the graph takes of each frame, one at a time; frames whose box allows no window are left out.

    Args:
        bundle: says how windows are cut.
        frames: with their SHA-256.
        grey: what to do with one-channel images.
        told: beside the progress bar.
        like: a frame whose size the others must have; None: the first one's.

    Raises:
        InputError: a frame cannot be decoded, has no box, or is of another size than the first, or than the bundle was
            calibrated on.
    """
    size = bundle.manifest.calibration.frame_px if bundle.manifest.calibration else None
    if size is None and like is not None:
        pixels = image.read(like.path, grey)
        size = (pixels.shape[1], pixels.shape[0])
    for digest, frame in tqdm(frames, desc=told, unit="frame", disable=None, leave=False):
        if frame.box is None:
            raise InputError(f"{frame.path}: the boxes' file has no row for this frame; add one, or remove the image")
        data = frame.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise InputError(f"{frame.path}: changed while it was read; start again")
        pixels = image.decode(data, str(frame.path), grey)
        found = (pixels.shape[1], pixels.shape[0])
        size = size or found
        if found != size:
            raise InputError(
                f"{frame.path}: {found[0]} x {found[1]} px, but the other frames, or those that the bundle was "
                f"calibrated on, have {size[0]} x {size[1]} px; give frames of the size that will fly"
            )
        try:
            yield digest, feed(cut(pixels, frame.box, bundle.manifest.crop))
        except BoxError:
            continue


def outputs(running: onnxruntime.InferenceSession, given: Feed) -> dict[str, npt.NDArray[Any]]:
    """All outputs by name."""
    names = [output.name for output in running.get_outputs()]
    return dict(zip(names, running.run(names, given), strict=True))


def same_bits(one: dict[str, npt.NDArray[Any]], other: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether two runs gave the same outputs to the last bit."""
    return one.keys() == other.keys() and all(
        value.dtype == other[name].dtype
        and value.shape == other[name].shape
        and value.tobytes() == other[name].tobytes()
        for name, value in one.items()
    )


def finite(values: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether all float outputs are finite."""
    return all(np.isfinite(value).all() for value in values.values() if value.dtype.kind == "f")
