"""The frame made small, smooth and grey: what objects are looked for in."""

import cv2
import numpy as np
import numpy.typing as npt

from onboard.image import Frame

Grey = npt.NDArray[np.uint8]
# Quantiles of a frame that is mostly dark space: what is brighter than the upper one may be object, limb or stars.
_DARK, _BACKGROUND = 0.08, 0.40
_SIGMAS_BETWEEN = 1.15  # of a normal law, between these two quantiles
_LEAST_SIGMA = 0.5  # levels; whole levels cannot tell less noise


class Reduced:
    """Frames of one size, made small. All its buffers are made here, once.

    Args:
        height, width: of the frames.
        side_px: of the reduced frame's longer side at most.

    Attributes:
        scale: frame pixels for each pixel of the reduced frame, horizontal and vertical.
        plain: uint8 [h, w], the last frame without specks; edges are where they were.
        light: uint8 [h, w], the same, smoothed: less noise, wider edges.
        bright, labels: uint8 and int32 [h, w], for whoever looks at it.
    """

    def __init__(self, height: int, width: int, side_px: int) -> None:
        share = min(1.0, side_px / max(height, width))
        h, w = max(1, round(height * share)), max(1, round(width * share))
        self.scale = width / w, height / h
        self._small = np.empty((h, w, 3), np.uint8)
        self._grey, self.plain = np.empty((h, w), np.uint8), np.empty((h, w), np.uint8)
        self.light, self.bright = np.empty((h, w), np.uint8), np.empty((h, w), np.uint8)
        self.labels = np.empty((h, w), np.int32)

    def take(self, frame: Frame) -> None:
        """Reduce the next frame, uint8 RGB [height, width, 3]."""
        h, w = self.light.shape
        cv2.resize(frame, (w, h), self._small, interpolation=cv2.INTER_AREA)
        cv2.cvtColor(self._small, cv2.COLOR_RGB2GRAY, self._grey)
        cv2.medianBlur(self._grey, 3, self.plain)  # takes hot pixels and most stars, and keeps edges
        cv2.GaussianBlur(self.plain, (0, 0), 1.0, self.light)

    def background(self) -> tuple[float, float]:
        """Level and standard deviation of what is dark in it."""
        counts = np.bincount(self.light.ravel(), minlength=256)
        dark, level = (_quantile(counts, share) for share in (_DARK, _BACKGROUND))
        return level, max(_LEAST_SIGMA, (level - dark) / _SIGMAS_BETWEEN)


def _quantile(counts: npt.NDArray[np.intp], share: float) -> float:
    """Between whole levels, as if each level's pixels were spread over it."""
    sums = np.cumsum(counts)
    wanted = share * int(sums[-1])
    level = int(np.searchsorted(sums, wanted))
    below = int(sums[level] - counts[level])
    return level - 0.5 + (wanted - below) / int(counts[level])
