"""The project's one image decoder: file bytes to uint8 RGB [H, W, 3], through OpenCV."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from onboard.errors import InputError
from onboard.files import open_regular

Grey = Literal["refuse", "replicate"]
Frame = npt.NDArray[np.uint8]


def decode(data: bytes, name: str, grey: Grey = "refuse") -> Frame:
    """Decode an 8-bit colour image.

    Args:
        data: the file's bytes (JPEG, PNG or anything else that OpenCV reads).
        name: what to call the image in an error.
        grey: what to do with a one-channel image: refuse it, or repeat its channel three times.

    Returns:
        uint8 RGB [H, W, 3]; an alpha channel is dropped.

    Raises:
        InputError: the image is empty, truncated, of another depth than 8 bit, or grey and not allowed to be.
    """
    if not data:
        raise InputError(f"{name}: the file is empty (0 bytes); replace or remove it")
    if _jpeg_is_cut_off(data):
        raise InputError(f"{name}: truncated JPEG (no end-of-image marker); copy the file again")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:  # such as more pixels than OpenCV takes
        raise InputError(f"{name}: OpenCV refuses the image ({str(error).strip()}); replace or remove it") from error
    if pixels is None:
        raise InputError(f"{name}: not an image that OpenCV can decode; replace or remove it")
    if pixels.dtype != np.uint8:
        raise InputError(f"{name}: pixels are {pixels.dtype}, 8-bit (uint8) is needed; convert the image")
    if pixels.ndim == 2:
        if grey == "refuse":
            raise InputError(
                f"{name}: the image is grey (one channel), RGB is needed; convert it, "
                "or repeat the channel: 'grey: replicate' in the config, or --grey replicate"
            )
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    if pixels.shape[2] not in (3, 4):
        raise InputError(f"{name}: the image has {pixels.shape[2]} channels, 3 are needed")
    code = cv2.COLOR_BGRA2RGB if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(pixels, code).astype(np.uint8, copy=False)


def read(path: Path, grey: Grey = "refuse") -> Frame:
    """Read and decode an image file; see `decode`.

    Raises:
        InputError: the file is missing or cannot be decoded.
    """
    try:
        with open_regular(path) as file:
            data = file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return decode(data, str(path), grey)


def write(path: Path, rgb: Frame) -> None:
    """Write uint8 RGB [H, W, 3] in the format that the file's ending names.

    Raises:
        InputError: OpenCV cannot write this file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    except (OSError, cv2.error) as error:
        raise InputError(f"{path}: the image cannot be written ({str(error).strip()})") from error
    if not written:
        raise InputError(f"{path}: OpenCV could not write the image; is the disk full or the folder read-only?")


def _jpeg_is_cut_off(data: bytes) -> bool:
    """OpenCV fills the missing part of a truncated JPEG with grey and says nothing, so look for the end marker."""
    return data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-1024:]
