"""Cameras through OpenCV: a thread reads, so that a hanging driver never holds the loop."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from onboard.errors import InputError
from onboard.event import Event, Events
from onboard.image import Frame
from onboard.messages import Status
from onboard.sources import v4l2
from onboard.sources.config import CameraConfig, GstreamerConfig
from onboard.sources.driver import Asked, Stamps, exposed_ns
from onboard.sources.source import SUPERSEDED, Settled, SourceFrame, Taken
from onboard.sources.watch import Backoff, Silence

Opener = Callable[[], Any]


def open_camera(config: CameraConfig | GstreamerConfig, alive: Callable[[], None] = lambda: None) -> "CameraSource":
    """A V4L2 camera or a GStreamer pipeline; either may appear later.

    OpenCV's warnings are switched off in this process, for it writes one to stderr at each attempt, and events tell of
    these; where the user has set OPENCV_LOG_LEVEL, that counts.

    Args:
        config: which one.
        alive: called by the thread that reads it, at each frame and each attempt to open it.

    Raises:
        InputError: this OpenCV has no GStreamer.
    """
    v4l2.without_warnings()
    if isinstance(config, CameraConfig):
        asked = Asked(config.size_px, config.rate_hz)
        return CameraSource(str(config.device), lambda: v4l2.capture(config), config.silence_s, alive, asked)
    if not has_gstreamer():
        raise InputError(
            f"source.kind: this OpenCV ({cv2.__version__}) was built without GStreamer, as the one from PyPI is. On a "
            "Jetson take JetPack's own: 'pip uninstall opencv-python', in a virtual environment made with "
            "--system-site-packages. Elsewhere take 'kind: camera', or let the pipeline's process send "
            "('kind: stream' or 'kind: ring')"
        )
    return CameraSource(
        "gstreamer", lambda: cv2.VideoCapture(config.pipeline, cv2.CAP_GSTREAMER), config.silence_s, alive
    )


def has_gstreamer() -> bool:
    """Whether OpenCV was built with GStreamer."""
    lines = cv2.getBuildInformation().splitlines()
    return any(line.split(":")[0].strip() == "GStreamer" and "YES" in line for line in lines)


@dataclass
class _Newest:
    """What the thread read last: its number, its time and the buffer that holds it."""

    frame_id: int
    exposed_ns: int
    buffer: int


class CameraSource:
    """Gives the newest frame that was read; those that were read before it count as superseded.

    Args:
        name: for people.
        opener: gives a `cv2.VideoCapture`, opened or not; called again after a failure, with growing pauses.
        silence_s: the source is lost after so long without a frame.
        alive: as in `open_camera`.
        asked: compared with the first image after each opening.
    """

    ended = False

    def __init__(
        self,
        name: str,
        opener: Opener,
        silence_s: float,
        alive: Callable[[], None] = lambda: None,
        asked: Asked = Asked(),  # noqa: B008 - it never changes
    ) -> None:
        self._name, self._opener, self._alive, self._asked = name, opener, alive, asked
        self._is_back = False
        self._found: str | None = None
        self._told: str | None = None
        self._last_s: float | None = None
        self._run = uuid.uuid4().bytes
        self._silence, self._events = Silence(name, silence_s), Events()
        self._news = threading.Condition()
        self._newest: _Newest | None = None
        self._taken, self._in_use = -1, -1
        # One to read into, one that is the newest, one that the loop works on.
        self._buffers: list[Frame | None] = [None, None, None]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"camera-{name}", daemon=True)
        self._thread.start()

    def take(self, timeout_s: float) -> Taken:
        with self._news:
            self._in_use = -1
            self._news.wait_for(self._has_news, timeout_s)
            newest = self._newest if self._has_news() else None
            if newest is not None:
                first, self._taken, self._in_use = self._taken + 1, newest.frame_id, newest.buffer
        events: list[Event] = [*self._events.take(), *self._silence.look(newest is not None)]
        if newest is None:
            return Taken((), tuple(events))
        passed = [Settled(self._run, n, self._called(n), Status.SKIPPED, SUPERSEDED) for n in range(first, self._taken)]
        pixels = self._buffers[newest.buffer]
        assert pixels is not None
        frame = SourceFrame(
            self._run,
            newest.frame_id,
            self._called(newest.frame_id),
            newest.exposed_ns,
            newest.exposed_ns,
            time.monotonic_ns(),
            pixels,
        )
        return Taken((*passed, frame), tuple(events))

    def close(self) -> None:
        """Stop reading. A thread that hangs in its driver is left behind; it ends with the process."""
        self._stop.set()
        self._thread.join(1.0)

    def _has_news(self) -> bool:
        return self._newest is not None and self._newest.frame_id > self._taken

    def _called(self, n: int) -> str:
        return f"{self._name}#{n}"

    def _work(self) -> None:
        backoff, frame_id, told_s = Backoff(), 0, 0.0
        while not self._stop.is_set():
            before, problem = frame_id, "gives no frame"
            self._alive()
            try:
                for bgr, exposed_ns in self._images():
                    self._put(bgr, frame_id, exposed_ns)
                    frame_id += 1
                    self._tell_of_return()
                    self._alive()
            except (cv2.error, InputError) as error:
                problem = str(error).strip()
            if frame_id > before:
                backoff.worked()
            pause_s = backoff.failed()
            if pause_s != told_s:  # said at each longer pause, not for months every two seconds
                self._events.add("source_unplugged", f"{self._name}: {problem}; the next attempt is in {pause_s:.1f} s")
            told_s = pause_s
            self._stop.wait(pause_s)

    def _images(self) -> Iterator[tuple[Any, int]]:
        """Open the camera and read until it fails."""
        capture, self._is_back, stamps = self._opener(), True, Stamps()
        try:
            while not self._stop.is_set() and capture.isOpened():
                found, bgr = capture.read()
                if not found or bgr is None:
                    return
                if self._is_back:
                    self._found = self._asked.differs(capture, bgr)
                now_ns = time.monotonic_ns()
                at_ns = exposed_ns(capture, now_ns)
                if at_ns != now_ns and (lacks := stamps.look(at_ns)) is not None:
                    self._events.add("gap", f"{self._name}: {lacks}")
                yield bgr, at_ns
        finally:
            capture.release()

    def _tell_of_return(self) -> None:
        """Say of the first frame after an opening how long there was none, for no id tells of frames that nobody read,
        and what is not as it was asked for."""
        last_s, self._last_s = self._last_s, time.monotonic()
        if not self._is_back:
            return
        self._is_back = False
        if last_s is not None:
            away = f"no frame for {self._last_s - last_s:.1f} s, until it was opened again"
            self._events.add("gap", f"{self._name}: {away}; ids go on, and do not count what it took meanwhile")
        if self._found is not None and self._found != self._told:
            self._events.add("camera_differs", f"{self._name}: gives {self._found}; set what it has (v4l2-ctl)")
        self._told = self._found

    def _put(self, bgr: Frame, frame_id: int, exposed_ns: int) -> None:
        if bgr.dtype != np.uint8:  # numpy would take each value modulo 256
            raise InputError(
                f"gives images of {bgr.dtype}, and 8 bits a channel (uint8) are needed; set another pixel format in "
                "the camera, or convert in the pipeline ('videoconvert ! video/x-raw,format=BGR')"
            )
        with self._news:
            kept = {self._in_use, self._newest.buffer if self._newest else -1}
        place = next(n for n in range(3) if n not in kept)
        pixels = bgr if bgr.ndim == 3 else cv2.cvtColor(bgr, cv2.COLOR_GRAY2BGR)
        self._buffers[place] = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=self._buffers[place]))
        with self._news:
            self._newest = _Newest(frame_id, exposed_ns, place)
            self._news.notify()
