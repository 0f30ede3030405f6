"""Frame messages and videos that several source tests need."""

import time
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from onboard.sources import Source, Taken
from onboard.wire import Header, PixelFormat, encode

Make = Callable[..., tuple[Header, bytes]]


@pytest.fixture
def make() -> Make:
    """Header and payload of a frame of 4 x 3 pixels whose grey level is its id."""

    def made(run: bytes, frame_id: int, pixel_format: PixelFormat = PixelFormat.RGB8) -> tuple[Header, bytes]:
        payload = bytes([frame_id % 256]) * (3 * pixel_format.row_bytes(4))
        now, stride = time.monotonic_ns(), pixel_format.row_bytes(4)
        box, crc = (0.0, 0.0, 2.0, 2.0), zlib.crc32(payload)
        return Header(
            run, frame_id, now, now, now, 4, 3, stride, pixel_format, box, "detector", len(payload), crc
        ), payload

    return made


@pytest.fixture
def parts(make: Make) -> Callable[..., list[bytes]]:
    """The two parts of a frame message."""

    def made(run: bytes, frame_id: int, pixel_format: PixelFormat = PixelFormat.RGB8) -> list[bytes]:
        header, payload = make(run, frame_id, pixel_format)
        return [encode(header), payload]

    return made


@pytest.fixture
def until() -> Callable[..., Taken]:
    """Take from a source until something that was taken holds a condition; gives all that came until then."""

    def taken(source: Source, enough: Callable[[Taken], bool], most_s: float = 8.0) -> Taken:
        items, events, end = [], [], time.monotonic() + most_s
        while time.monotonic() < end:
            new = source.take(0.05)
            items += new.items
            events += new.events
            if enough(new):
                return Taken(tuple(items), tuple(events))
        raise AssertionError(f"nothing of the kind within {most_s} s: {items} {events}")

    return taken


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Twelve frames of 64 x 48 pixels, each redder by 20."""
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))  # type: ignore[attr-defined]
    for n in range(12):
        writer.write(np.full((48, 64, 3), (30, 100, 20 * n), np.uint8))
    writer.release()
    return path
