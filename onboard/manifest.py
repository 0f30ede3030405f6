"""The bundle's manifest: what the graph takes and gives, what it came from, and the hash of every file."""

from typing import Annotated, Any, Literal

import msgspec

from onboard.bounds import ActivationBounds
from onboard.calibration import Calibration, FileName, Sha256
from onboard.crop_spec import CropSpec


class TensorSpec(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An input or output of the graph; a dimension that varies is named, not numbered."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


class KnownAnswer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A window whose logit is known.

    Attributes:
        window: PNG file, uint8 RGB [n, n, 3]; or a whole frame, [H, W, 3].
        region: x_min, y_min, x_max, y_max in window pixels, as the graph takes it.
        logit: the training side's.
    """

    window: FileName
    region: tuple[float, float, float, float]
    logit: float


class Manifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A flight bundle.

    Attributes:
        format: version of this layout.
        model: the flight graph's file.
        files: SHA-256 of every file of the bundle but the manifest and its own hash.
        inputs: `window` uint8 [1, h, w, 3] and `box` float32 [1, 4], in window pixels.
        outputs: `debris_logit` float32 [1, 1], high for normal; of a fused graph also the pose network's own outputs.
        crop: how the host cuts a window (the graph holds the rest); with `view: frame` the frame is the window, of
            `frame_px`, and what it says of windows counts for nothing.
        backbone: its name, and the fingerprint of its weights; of a fused graph also the pose network's file, its tap,
            the opset, and the lowest TensorRT that takes it.
        head: its kind and settings.
        training: split hash, seed and counts of the data.
        calibration_scores: sorted anomaly scores of normal data held out of training, a float32 .npy file; or None.
        known_answers: one for each window size that calibration images fit into, and some as unlike as can
            be; of whole frames, these alone.
        logit_tolerance: by how much a runtime's logit may differ from a known one; at most 0.01 in float32.
        versions: of the libraries that wrote the bundle.
        precision: what the graph computes in behind the crop, which is always fp32.
        conversion: of a graph that was converted to it: what stayed in float32, and what changed by how much.
        preprocessing: of a fused graph: the file of the graph from window and box to the pose network's image, as
            `compare-pose` feeds the untouched network.
        fit_images: the first 8 bytes of the SHA-256 of each image that the head was fitted on, sorted, big-endian;
            None where the images are no files of their own, or the bundle is older than this key.
        selection_images: the same of each image that the graph's ranges and its quantisation came from; None: there are
            none, or the bundle is older than this key.
        calibration: thresholds; None before `python -m calibration`.
        bounds: the range clamps in the graph; None: it has none.
    """

    format: Literal[1]
    model: FileName
    files: dict[FileName, Sha256]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    crop: CropSpec
    backbone: dict[str, str]
    head: dict[str, Any]
    training: dict[str, Any]
    calibration_scores: FileName | None
    known_answers: Annotated[tuple[KnownAnswer, ...], msgspec.Meta(min_length=1)]
    logit_tolerance: Annotated[float, msgspec.Meta(gt=0)]
    versions: dict[str, str]
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    conversion: dict[str, Any] = {}
    preprocessing: FileName | None = None
    fit_images: FileName | None = None
    selection_images: FileName | None = None
    calibration: Calibration | None = None
    bounds: ActivationBounds | None = None

    def __post_init__(self) -> None:
        if self.precision == "fp32" and self.logit_tolerance > 0.01:
            raise ValueError(f"logit_tolerance {self.logit_tolerance:g}: at most 0.01 goes with precision fp32")

    def named_files(self) -> list[str]:
        """All files of the bundle that the manifest gives a meaning."""
        named = [self.model, *(known.window for known in self.known_answers)]
        lists = (self.calibration_scores, self.fit_images, self.selection_images, self.preprocessing)
        named += [name for name in lists if name is not None]
        return named + (self.calibration.files() if self.calibration else [])
