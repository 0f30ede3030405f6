"""What a turn of the loop allocates: never a frame, nor a window. ZeroMQ's own memory is not Python's to count."""

import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.sources.ring_writer import RingWriter
from onboard.wire import Header, PixelFormat, encode

zmq = pytest.importorskip("zmq")
RUN, SIDE = b"0123456789abcdef", 512
PAYLOAD, WINDOW = SIDE * SIDE * 3, 128 * 128 * 3
BOX = (-20.0, 100.0, 60.0, 180.0)  # its window reaches beyond the frame


def sent(n: int, pixels: np.ndarray) -> tuple[Header, np.ndarray]:
    pixels[0, 0] = n % 256
    now = time.monotonic_ns()
    header = Header(
        RUN, n, now, now, now, SIDE, SIDE, 3 * SIDE, PixelFormat.RGB8, BOX, "detector", PAYLOAD, zlib.crc32(pixels.data)
    )
    return header, pixels


@pytest.mark.parametrize("kind", ["ring", "ring in place", "stream"])
def test_neither_a_frame_nor_a_window_is_allocated_in_the_loop(
    configured: Callable[..., NodeConfig], tmp_path: Path, kind: str
) -> None:
    endpoint = f"ipc://{tmp_path}/s"
    source: dict[str, Any] = {"kind": "ring", "path": str(tmp_path / "camera"), "copy": kind == "ring"}
    if kind == "stream":
        source = {"kind": "stream", "endpoint": endpoint}
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    peaks = []
    health = {"scrub_period_s": None, "sensors": None}  # threads of their own, whose memory would be counted
    with (
        parts_of(configured(source=source, health=health)) as parts,
        RingWriter(tmp_path / "camera", 4, PAYLOAD) as writer,
        zmq.Context() as context,
        context.socket(zmq.PUSH) as socket,
    ):
        socket.connect(endpoint)
        loop = Loop(parts)
        for n in range(120):
            header, shown = sent(n, pixels)
            if kind == "stream":
                socket.send_multipart([encode(header), shown.data])
            else:
                writer.write(header, shown.data.cast("B"))
            if n == 20:  # every buffer has been made
                tracemalloc.start()
            if n >= 20:
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
            loop.turn(5.0)
            if n >= 20:
                peaks.append(tracemalloc.get_traced_memory()[1] - before)
        tracemalloc.stop()
        assert parts.account.totals() == (120, 0, 0)
    assert max(peaks) < WINDOW
