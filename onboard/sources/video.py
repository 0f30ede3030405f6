"""A video file as a source."""

import time
import uuid
from pathlib import Path

import cv2
import numpy as np

from onboard.errors import InputError
from onboard.image import Frame
from onboard.messages import Status
from onboard.sources.config import VideoConfig
from onboard.sources.pace import Pace
from onboard.sources.source import SUPERSEDED, Settled, SourceFrame, Taken

_NO_END = 1 << 62  # a video's own word on its length is often wrong


class VideoSource:
    """Replays a video file, once; it has no boxes.

    Args:
        config: the file and the rate.

    Raises:
        InputError: OpenCV cannot open the file.
    """

    def __init__(self, config: VideoConfig) -> None:
        self._path = Path(config.path)
        if not self._path.is_file():
            raise InputError(f"{self._path}: no such video file (source.path)")
        self._capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise InputError(
                f"{self._path}: OpenCV {cv2.__version__} cannot open this video; convert it, for example with "
                "'ffmpeg -i IN -c:v mjpeg -q:v 2 OUT.avi'"
            )
        self._run = uuid.uuid4().bytes
        self._pace = Pace(config.rate_hz)
        self._next = 0
        self._rgb: Frame | None = None
        self.ended = False

    def take(self, timeout_s: float) -> Taken:
        newest = None if self.ended else self._pace.newest_due(self._next, _NO_END, timeout_s)
        if newest is None:
            return Taken()
        passed = []
        while self._next < newest and self._capture.grab():  # not decoded further
            passed.append(self._settled(self._next))
            self._next += 1
        found, bgr = self._capture.read()
        if not found:
            self.ended = True
            return Taken(tuple(passed))
        self._rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=self._rgb), np.uint8)
        due = self._pace.due_ns(self._next)
        frame = SourceFrame(self._run, self._next, self._name(self._next), due, due, time.monotonic_ns(), self._rgb)
        self._next += 1
        return Taken((*passed, frame))

    def close(self) -> None:
        self.ended = True
        self._capture.release()

    def _name(self, n: int) -> str:
        return f"{self._path.name}#{n}"

    def _settled(self, n: int) -> Settled:
        return Settled(self._run, n, self._name(n), Status.SKIPPED, SUPERSEDED)
