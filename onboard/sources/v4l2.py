"""A V4L2 camera through OpenCV, as it is asked for."""

import os
from contextlib import suppress
from typing import Any

import cv2

from onboard.errors import InputError
from onboard.sources.config import CameraConfig


def capture(config: CameraConfig) -> Any:
    """A `cv2.VideoCapture`, opened or not.

    Raises:
        InputError: there is no such device now, or this user may not open it.
    """
    device = f"/dev/video{config.device}" if isinstance(config.device, int) else config.device
    if not os.path.exists(device):  # noqa: PTH110 - it raises nothing
        raise InputError(f"there is no device {device}; plug the camera in, or set source.device")
    if not os.access(device, os.R_OK | os.W_OK):
        raise InputError(f"{device} may not be opened by this user; make it one of the device's group, such as video")
    made = cv2.VideoCapture(config.device, cv2.CAP_V4L2)
    if config.size_px is not None:
        made.set(cv2.CAP_PROP_FRAME_WIDTH, config.size_px[0])
        made.set(cv2.CAP_PROP_FRAME_HEIGHT, config.size_px[1])
    if config.rate_hz is not None:
        made.set(cv2.CAP_PROP_FPS, config.rate_hz)
    made.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the driver's own queue would hand out old frames
    return made


def without_warnings() -> None:
    """Keep OpenCV's warnings off stderr, in this whole process; errors still come, and where the user has set
    OPENCV_LOG_LEVEL, that counts."""
    if "OPENCV_LOG_LEVEL" not in os.environ:
        with suppress(AttributeError):  # not every build has it
            cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
