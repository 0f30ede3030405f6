"""What a live source costs a frame, 1024 x 1024 RGB, from a sender in a process of its own at 20 frames a second.

python -m benchmarks.source_cost

Taking is what happens in the node's own thread: receiving, checking sizes, copying out of the ring. The checksum is
what is left to wait for once sanity has been checked; in flight the engine comes first, and nothing is left. Arrival
is the time from the sender's stamp to the frame in hand.
"""

import multiprocessing
import tempfile
import time
import uuid
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ending
from onboard import machine
from onboard.sanity import Sanity, SanityConfig
from onboard.sources import Source, SourceConfig, SourceFrame, open_source
from onboard.sources.config import RingConfig, StreamConfig
from onboard.sources.ring_writer import RingWriter
from onboard.wire import Header, PixelFormat, encode

_SIDE, _FRAMES, _PERIOD_S = 1024, 200, 0.05


def main() -> None:
    # Memory that both processes map has to lie on a tmpfs; a folder of its own, for two may run at once.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        _measure(Path(folder) / "ring", f"ipc://{folder}/socket")


def _measure(place: Path, endpoint: str) -> None:
    ring, send_ring = RingConfig(str(place)), partial(_ring, place)
    kinds: list[tuple[str, SourceConfig, Callable[[], None]]] = [
        ("stream, checksum", StreamConfig(endpoint), partial(_stream, endpoint)),
        ("ring, checksum", ring, send_ring),
        ("ring, no checksum", RingConfig(str(place), checksum=False), send_ring),
        ("ring, in place", RingConfig(str(place), checksum=False, copy=False), send_ring),
    ]
    for name, config, sender in kinds:
        source = open_source(config)
        print(f"{name:<18} {_measured(source, sender)}")
        source.close()
        place.unlink(missing_ok=True)
    print(machine.describe())


def _measured(source: Source, sender: Callable[[], None]) -> str:
    process = multiprocessing.get_context("spawn").Process(target=sender)
    process.start()
    sanity = Sanity(SanityConfig())
    taking: list[int] = []
    arrival: list[int] = []
    checking: list[int] = []
    waiting: list[int] = []
    try:
        until = time.monotonic() + 30
        while len(taking) < _FRAMES and time.monotonic() < until:
            time.sleep(0.005)
            start = time.perf_counter_ns()
            taken = source.take(0)
            done = time.perf_counter_ns()
            for item in taken.items:
                if isinstance(item, SourceFrame):
                    taking.append(done - start)
                    arrival.append(time.monotonic_ns() - item.exposure_start_ns)
                    start = time.perf_counter_ns()
                    sanity.check(item.pixels, item.content)
                    checking.append(time.perf_counter_ns() - start)
                    start = time.perf_counter_ns()
                    item.flaw()
                    waiting.append(time.perf_counter_ns() - start)
    finally:
        process.terminate()
        process.join()
    parts = [("take", taking), ("sanity", checking), ("checksum", waiting), ("arrival", arrival)]
    return "; ".join(f"{name} {_percentiles(values)}" for name, values in parts) + f"; {len(taking)} frames"


def _percentiles(values_ns: list[int]) -> str:
    p50, p99 = np.percentile(values_ns, [50, 99]) / 1e6
    return f"{p50:.2f} / {p99:.2f} ms"


def _frame(frame_id: int, run: bytes, pixels: np.ndarray[Any, Any]) -> Header:
    now, size = time.monotonic_ns(), pixels.nbytes
    pixels[0, 0] = frame_id % 256
    checksum = zlib.crc32(pixels.data)
    return Header(
        run, frame_id, now, now, now, _SIDE, _SIDE, 3 * _SIDE, PixelFormat.RGB8, None, "none", size, checksum
    )  # fmt: skip


def _pixels() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3)).astype(np.uint8)


def _stream(endpoint: str) -> None:
    import zmq

    run, pixels = uuid.uuid4().bytes, _pixels()
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(endpoint)
        frame_id = 0
        while True:
            socket.send_multipart([encode(_frame(frame_id, run, pixels)), pixels.data])
            frame_id += 1
            time.sleep(_PERIOD_S)


def _ring(place: Path) -> None:
    run, pixels, frame_id = uuid.uuid4().bytes, _pixels(), 0
    with RingWriter(place, 4, pixels.nbytes) as writer:
        while True:
            writer.write(_frame(frame_id, run, pixels), pixels.data.cast("B"))
            frame_id += 1
            time.sleep(_PERIOD_S)


if __name__ == "__main__":
    ending.run(main)
