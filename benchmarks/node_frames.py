"""Frames for benchmarks of the node, from a process of their own: 1024 x 1024 RGB with a given box."""

import multiprocessing
import os
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onboard.sources.config import RingConfig, SourceConfig
from onboard.sources.ring_writer import RingWriter
from onboard.wire import Header, PixelFormat, encode

SIDE, BOX = 1024, (300.0, 300.0, 700.0, 650.0)


@contextmanager
def sent(source: SourceConfig, period_s: float, priority: int | None) -> Iterator[None]:
    """While the block runs, a process sends frames to where this source takes them from, one in each period.

    With a priority it has its turn before other processes, or frames would not come in time on a busy machine.
    """
    send, place = (_ring, source.path) if isinstance(source, RingConfig) else (_stream, getattr(source, "endpoint", ""))
    process = multiprocessing.get_context("spawn").Process(target=send, args=(place, period_s))
    process.start()
    if priority is not None and process.pid is not None:
        os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(priority))
    try:
        yield
    finally:
        process.terminate()
        process.join()


def picture() -> npt.NDArray[np.uint8]:
    """Noise, uint8 RGB [1024, 1024, 3]."""
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def _stream(endpoint: str, period_s: float) -> None:
    import zmq

    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.setsockopt(zmq.SNDHWM, 1)  # what nobody takes shall not pile up here
        socket.connect(endpoint)
        for header, pixels in _frames(period_s):
            socket.send_multipart([encode(header), pixels])


def _ring(path: str, period_s: float) -> None:
    with RingWriter(Path(path), 4, 3 * SIDE * SIDE) as writer:
        for header, pixels in _frames(period_s):
            writer.write(header, pixels.cast("B"))


def _frames(period_s: float) -> Iterator[tuple[Header, memoryview]]:
    run, pixels, frame_id, due_s = uuid.uuid4().bytes, picture(), 0, time.monotonic()
    while True:
        pixels[0, 0] = frame_id % 256
        now, crc = time.monotonic_ns(), zlib.crc32(pixels.data)
        yield (
            Header(
                run, frame_id, now, now, now, SIDE, SIDE, 3 * SIDE, PixelFormat.RGB8, BOX, "detector",
                pixels.nbytes, crc,
            ),
            pixels.data,
        )  # fmt: skip
        frame_id += 1
        due_s = max(due_s + period_s, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))
