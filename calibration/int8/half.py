"""The float16 bundle of the same head, to stand in the table. It is made where the network is: by `train export`."""

from pathlib import Path

from onboard.bundle import Bundle
from onboard.detector import Detector
from onboard.errors import InputError


def read(folder: Path, bundle: Bundle) -> Bundle:
    """Read and check it.

    Args:
        folder: of the float16 bundle.
        bundle: in float32.

    Raises:
        InputError: it does not compute in float16, or is of another head, backbone or crop.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such bundle folder; 'python -m train export RUN --precision fp16' writes one")
    half = Detector.load(folder).bundle
    if half.manifest.precision != "fp16":
        raise InputError(
            f"{folder}: computes in {half.manifest.precision}; give the bundle that 'python -m train export RUN "
            "--precision fp16' wrote (of a fused graph, 'train fuse')"
        )
    for what, one, other in zip(_SAME, _of(half), _of(bundle), strict=True):
        if one != other:
            raise _other(half, bundle, what)
    # Weights are no longer to be compared: the answers tell whether they were the same.
    for one, other in zip(half.manifest.known_answers, bundle.manifest.known_answers, strict=True):
        if abs(one.logit - other.logit) > half.manifest.logit_tolerance + bundle.manifest.logit_tolerance:
            raise _other(half, bundle, f"logit of {one.window}, {one.logit:.4g}, ")
    return half


_SAME = ("crop", "backbone", "head", "split of the data", "list of fitted images", "known-answer window")


def _of(bundle: Bundle) -> tuple[object, ...]:
    manifest = bundle.manifest
    fitted = None if manifest.fit_images is None else bundle.contents[manifest.fit_images]
    windows = [(bundle.contents[known.window], known.region) for known in manifest.known_answers]
    return manifest.crop, manifest.backbone, manifest.head, manifest.training.get("split_sha256"), fitted, windows


def _other(half: Bundle, bundle: Bundle, what: str) -> InputError:
    return InputError(
        f"{half.folder}: its {what} is not that of {bundle.folder}, so they cannot be compared; export both from the "
        "same run with the same version"
    )
