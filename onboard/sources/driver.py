"""What a camera's driver says through OpenCV: its size and rate, and when each frame was exposed."""

import statistics
from collections import deque
from typing import Any, NamedTuple

import cv2

from onboard.image import Frame

_RATES_AGREE = 0.01
_PERIODS, _LEAST_PERIODS = 32, 8


class Asked(NamedTuple):
    """What a camera was asked for; None: as it is. V4L2 takes the nearest that the camera has, and says nothing."""

    size_px: tuple[int, int] | None = None
    rate_hz: float | None = None

    def differs(self, capture: Any, image: Frame) -> str | None:
        """What it gives instead; None where that is what was asked for, or cannot be known."""
        height, width = image.shape[:2]
        said = []
        if self.size_px is not None and (width, height) != tuple(self.size_px):
            said.append(f"{width} x {height} px, size_px is {self.size_px[0]} x {self.size_px[1]}")
        rate_hz = capture.get(cv2.CAP_PROP_FPS)  # 0 where the driver does not say
        if self.rate_hz is not None and rate_hz > 0 and abs(rate_hz / self.rate_hz - 1) > _RATES_AGREE:
            said.append(f"{rate_hz:g} Hz, rate_hz is {self.rate_hz:g}")
        return "; ".join(said) or None


class Stamps:
    """Notices frames that the driver took and nobody read, by the time between two stamps; for no id counts them.

    The period is the median of the last ones, so that a camera that changes its rate (automatic exposure does) is told
    of a few times at most.
    """

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._periods_ns: deque[int] = deque(maxlen=_PERIODS)

    def look(self, stamp_ns: int) -> str | None:
        """What is missing between the frame before and this one; None: nothing, or it cannot be known yet.

        Args:
            stamp_ns: the driver's time of this frame, ns of any one clock.
        """
        last_ns, self._last_ns = self._last_ns, stamp_ns
        if last_ns is None or stamp_ns <= last_ns:
            return None
        period_ns = stamp_ns - last_ns
        usual_ns = statistics.median(self._periods_ns) if len(self._periods_ns) >= _LEAST_PERIODS else period_ns
        self._periods_ns.append(period_ns)
        missing = round(period_ns / usual_ns) - 1
        if missing < 1:
            return None
        between = f"{period_ns / 1e6:.1f} ms between two frames where {usual_ns / 1e6:.1f} are usual"
        return f"{between}: about {missing} were not read; ids go on, and do not count them"


def exposed_ns(capture: Any, now_ns: int) -> int:
    """The driver's time stamp where it is one of the monotonic clock, as V4L2's are; otherwise the time of arrival."""
    stamp_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
    return stamp_ns if 0 <= now_ns - stamp_ns < 1_000_000_000 else now_ns
