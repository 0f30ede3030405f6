"""Where a box will be in the next frame: OpenCV's Kalman filter, constant velocity."""

import cv2
import numpy as np

from onboard.finder.boxes import Box, longer_side

_MEASURED, _MOVED, _GROWN, _PUSHED = 0.05, 0.02, 0.03, 0.02  # standard deviations, over the box's longer side
_UNKNOWN_SPEED = 0.5


class Motion:
    """One object's centre, size and velocity, in pixels and frames.

    Args:
        box: where it was first seen.
    """

    def __init__(self, box: Box) -> None:
        side = longer_side(box)
        self._filter = cv2.KalmanFilter(6, 4)  # centre, size, velocity of the centre; centre and size are measured
        moves = np.eye(6, dtype=np.float32)
        moves[0, 4] = moves[1, 5] = 1
        self._filter.transitionMatrix = moves
        self._filter.measurementMatrix = np.eye(4, 6, dtype=np.float32)
        self._filter.processNoiseCov = _variances(side, _MOVED, _GROWN, _PUSHED)
        self._filter.measurementNoiseCov = _variances(side, _MEASURED, _MEASURED, _MEASURED)[:4, :4].copy()
        self._filter.errorCovPost = _variances(side, _MEASURED, _MEASURED, _UNKNOWN_SPEED)
        self._filter.statePost = np.vstack([_measured(box), np.zeros((2, 1), np.float32)])

    def predict(self, frames: int) -> Box:
        """Go on by so many frames; gives where the box is then."""
        for _ in range(frames):
            state = self._filter.predict()
        x, y, w, h = (float(value) for value in state[:4, 0])
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2

    def correct(self, box: Box) -> None:
        """Take what was seen in the frame that was predicted last."""
        self._filter.correct(_measured(box))


def _measured(box: Box) -> np.ndarray:
    x_min, y_min, x_max, y_max = box
    return np.array([[(x_min + x_max) / 2], [(y_min + y_max) / 2], [x_max - x_min], [y_max - y_min]], np.float32)


def _variances(side: float, centre: float, size: float, speed: float) -> np.ndarray:
    shares = np.array([centre, centre, size, size, speed, speed])
    return np.diag((shares * side) ** 2).astype(np.float32)
