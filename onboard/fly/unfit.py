"""Frames and boxes that get no verdict, though a pose network may take them."""

from typing import NamedTuple

from onboard.calibration import Calibration, other_frame_size
from onboard.sanity import SanityConfig
from onboard.sources import SourceFrame
from onboard.window import BoxError, check_box


class Unfit(NamedTuple):
    """Why there is no verdict: a machine-readable reason, and a sentence."""

    reason: str
    detail: str


def why_unfit(calibration: Calibration | None, config: SanityConfig, frame: SourceFrame) -> Unfit | None:
    """Why a frame of this size, or with a box of this one, gets none; None: it gets one."""
    return _other_size(calibration, frame) or _small_box(config, frame)


def _other_size(calibration: Calibration | None, frame: SourceFrame) -> Unfit | None:
    height, width = frame.pixels.shape[:2]
    why = other_frame_size(calibration, width, height)
    return None if why is None else Unfit("frame_wrong_size", why)


def _small_box(config: SanityConfig, frame: SourceFrame) -> Unfit | None:
    if frame.box is None:
        return None
    longer, least = max(frame.box[2] - frame.box[0], frame.box[3] - frame.box[1]), config.least_box_px
    if longer >= least:
        return None
    try:
        check_box(frame.box, frame.pixels.shape[1], frame.pixels.shape[0])
    except BoxError:  # one that makes no sense, or lies elsewhere, is not just small: the window says what it is
        return None
    return Unfit("box_too_small", f"{longer:g} px on its longer side; sanity.least_box_px is {least:g}")
