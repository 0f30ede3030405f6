"""The float16 bundle of the same head, to stand in the table. It is made where the network is: by `train export`."""

from pathlib import Path

from onboard.bundle import Bundle
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.manifest import Manifest


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
            raise InputError(
                f"{folder}: its {what} is not that of {bundle.folder}, so the two cannot be compared; export both from "
                "the same run"
            )
    return half


_SAME = ("crop", "backbone", "head", "training", "list of fitted images")


def _of(bundle: Bundle) -> tuple[object, ...]:
    manifest: Manifest = bundle.manifest
    fitted = None if manifest.fit_images is None else bundle.contents[manifest.fit_images]
    return manifest.crop, manifest.backbone, manifest.head, manifest.training, fitted
