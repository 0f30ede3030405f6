"""Cameras through OpenCV, with a video file in a camera's place: it is unplugged at its end, and plugged in again."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from onboard.errors import InputError
from onboard.event import Event
from onboard.sources import Settled, SourceFrame, Taken, open_source
from onboard.sources.camera import CameraSource, has_gstreamer
from onboard.sources.config import CameraConfig, GstreamerConfig
from onboard.sources.driver import Asked, Stamps, exposed_ns


def test_every_frame_is_given_or_named_through_a_replug(video: Path) -> None:
    opened = []

    def plug_in() -> cv2.VideoCapture:
        opened.append(time.monotonic())
        return cv2.VideoCapture(str(video) if len(opened) != 2 else "/nowhere")  # absent at the second attempt

    source = CameraSource("camera", plug_in, 5.0)
    items: list[SourceFrame | Settled] = []
    events = []
    while len(items) < 24:
        taken = source.take(2.0)
        items += taken.items
        events += taken.events
        assert [isinstance(item, SourceFrame) for item in taken.items].count(True) <= 1
        time.sleep(0.003)  # slower than the camera
    source.close()
    assert [item.frame_id for item in items[:24]] == list(range(24))
    frames = [item for item in items if isinstance(item, SourceFrame)]
    assert len(frames) < 24
    assert {item.pixels.shape for item in frames} == {(48, 64, 3)}
    assert [event.name for event in events[:3]] == ["source_unplugged", "source_unplugged", "gap"]
    assert "until it was opened again" in events[2].detail
    assert [0.09 < later - sooner < 1 for sooner, later in itertools.pairwise(opened)][:2] == [True, True]
    assert opened[2] - opened[1] > 0.19  # the second pause is the longer one


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked(), None),
        (Asked((64, 48), 20.0), None),
        (Asked((1920, 1200)), "gives 64 x 48 px, size_px is 1920 x 1200; set"),
        (Asked(rate_hz=100.0), "gives 20 Hz, rate_hz is 100"),
        (Asked((64, 50), 25.0), "gives 64 x 48 px, size_px is 64 x 50; 20 Hz, rate_hz is 25"),
    ],
)
def test_a_camera_that_gives_another_size_or_rate_is_told_of_once(asked: Asked, says: str | None) -> None:
    class FakeCamera:
        """Gives three images, at any request."""

        def __init__(self) -> None:
            self.left = 3

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            self.left -= 1
            return self.left >= 0, np.zeros((48, 64, 3), np.uint8)

        def get(self, which: int) -> float:
            return 20.0 if which == cv2.CAP_PROP_FPS else 0.0

        def release(self) -> None:
            pass

    source = CameraSource("camera", FakeCamera, 5.0, asked=asked)
    end, events, items = time.monotonic() + 10, list[Event](), 0
    while items < 9 and time.monotonic() < end:  # three times opened
        taken = source.take(0.05)
        items += len(taken.items)
        events += taken.events
    source.close()
    told = [event.detail for event in events if event.name == "camera_differs"]
    assert len(told) == (says is not None)
    assert says is None or says in told[0]


def test_a_camera_that_is_not_there_is_waited_for(until: Callable[..., Taken]) -> None:
    source = open_source(CameraConfig("/dev/video-that-is-not-there", silence_s=0.2))
    taken = until(source, lambda taken: any(event.name == "source_lost" for event in taken.events))
    source.close()
    assert taken.items == ()
    (told,) = {event.detail.split("; the next")[0] for event in taken.events if event.name == "source_unplugged"}
    assert told.endswith("there is no device /dev/video-that-is-not-there; plug the camera in, or set source.device")


@pytest.mark.parametrize("asked_for", [False, True])
def test_opencv_s_warnings_stay_out_of_stderr_unless_they_are_asked_for(
    until: Callable[..., Taken], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, asked_for: bool
) -> None:
    monkeypatch.delenv("OPENCV_LOG_LEVEL", raising=False)
    if asked_for:
        monkeypatch.setenv("OPENCV_LOG_LEVEL", "WARNING")
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_WARNING)
    try:
        source = open_source(CameraConfig("/dev/null", silence_s=0.2))  # is there, but no camera
        until(source, lambda taken: any(event.name == "source_lost" for event in taken.events))
        source.close()
    finally:
        cv2.utils.logging.setLogLevel(before)
    assert ("WARN" in capfd.readouterr().err) == asked_for


def test_an_opencv_without_its_logging_opens_cameras_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2.utils, "logging")
    open_source(CameraConfig("/dev/video-that-is-not-there")).close()


def test_images_of_16_bits_are_refused_by_name_and_not_wrapped() -> None:
    class FakeDeepCamera:
        def isOpened(self) -> bool:  # noqa: N802
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            return True, np.full((48, 64, 3), 0x0180, np.uint16)

        def get(self, _: int) -> float:
            return 0.0

        def release(self) -> None:
            pass

    source = CameraSource("camera", FakeDeepCamera, 5.0)
    end, events = time.monotonic() + 5, list[Event]()
    while not events and time.monotonic() < end:
        taken = source.take(0.02)
        assert taken.items == ()
        events += taken.events
    source.close()
    assert "gap" not in {event.name for event in events}  # nothing has flown yet
    assert events[0].name == "source_unplugged"
    assert "uint16" in events[0].detail
    assert "videoconvert" in events[0].detail


@pytest.mark.skipif(has_gstreamer(), reason="this OpenCV has GStreamer")
def test_without_gstreamer_the_remedy_is_named() -> None:
    with pytest.raises(InputError, match="system-site-packages"):
        open_source(GstreamerConfig("videotestsrc ! appsink"))


def test_the_drivers_time_stamp_is_believed_where_it_is_plausible() -> None:
    class FakeCapture:
        def get(self, _: int) -> float:
            return 5000.0  # ms

    assert exposed_ns(FakeCapture(), 5_020_000_000) == 5_000_000_000
    assert exposed_ns(FakeCapture(), 4_000_000_000) == 4_000_000_000  # another clock, ahead
    assert exposed_ns(FakeCapture(), 99_000_000_000) == 99_000_000_000  # a position in a file


def test_frames_that_the_driver_took_and_nobody_read_are_told_of() -> None:
    jitter_ms = np.random.default_rng(0).uniform(-8, 8, 200)
    stamps, told = Stamps(), {}
    for n in range(200):
        if n in {50, 120, 121, 122}:
            continue
        if (said := stamps.look(round((50 * n + jitter_ms[n]) * 1e6))) is not None:
            told[n] = said
    assert list(told) == [51, 123]
    assert "about 1 were not read" in told[51]
    assert "about 3 were not read" in told[123]


def test_a_camera_that_goes_slower_is_told_of_for_a_while_only() -> None:
    stamps = Stamps()
    at_ms = [*range(0, 2000, 50), *range(2000, 12000, 100)]  # as automatic exposure does
    told = [n for n, ms in enumerate(at_ms) if stamps.look(ms * 1_000_000) is not None]
    assert 0 < len(told) < 20
    assert max(told) < 60


def test_a_flying_camera_tells_of_missing_frames_by_its_drivers_stamps() -> None:
    class FakeCamera:
        """Stamps frames of the monotonic clock every 10 ms, and leaves five out after the twentieth."""

        def __init__(self) -> None:
            self.first_s, self.n = time.monotonic(), 0

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            self.n += 6 if self.n == 20 else 1
            time.sleep(max(0.0, self.first_s + self.n / 100 - time.monotonic()))
            return self.n < 40, np.zeros((48, 64, 3), np.uint8)

        def get(self, which: int) -> float:
            return (self.first_s + self.n / 100) * 1e3 if which == cv2.CAP_PROP_POS_MSEC else 0.0

        def release(self) -> None:
            pass

    source = CameraSource("camera", FakeCamera, 5.0)
    end, gaps = time.monotonic() + 10, list[str]()
    while not gaps and time.monotonic() < end:
        gaps += [event.detail for event in source.take(0.05).events if event.name == "gap"]
    source.close()
    assert "60.0 ms between two frames where 10.0 are usual: about 5 were not read" in gaps[0]
