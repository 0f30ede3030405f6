"""What the node costs a frame outside the engine call: 1024 x 1024 RGB from another process, 20 frames a second.

python -m benchmarks.node_overhead runs/demo/bundle --priority 5

One turn of the flight loop, less the time in the engine: receiving, checksums, journal, sanity, cutting the window, the
verdict, and handing it to its file. The box is given. With a priority the loop runs as `realtime.priority` has it, and
other processes stay out of the figures.
"""

import argparse
import multiprocessing
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from onboard import machine
from onboard.fly.config import JournalConfig, NodeConfig, OutputConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.outlet import Outlet
from onboard.fly.realtime import RealtimeConfig
from onboard.fly.watching import set_realtime
from onboard.messages import Status, Verdict
from onboard.sources import SourceConfig
from onboard.sources.config import RingConfig, StreamConfig
from onboard.sources.ring_writer import RingWriter
from onboard.wire import Header, PixelFormat, encode

_SIDE, _PERIOD_S, _WARM_UP = 1024, 0.05, 20
_BOX = (300.0, 300.0, 700.0, 650.0)
_FOLDER = Path("/dev/shm/debris-node-overhead")
_RING, _ENDPOINT = str(_FOLDER / "camera"), f"ipc://{_FOLDER}/frames"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", help="folder of a flight bundle")
    parser.add_argument("--frames", type=int, default=300, help="measured for each source (default: 300)")
    parser.add_argument("--priority", type=int, help="SCHED_FIFO, 1 to 99 (default: none)")
    options = parser.parse_args()
    realtime = RealtimeConfig(priority=options.priority)
    kinds: list[tuple[str, SourceConfig, Callable[[], None]]] = [
        ("stream, checksum", StreamConfig(_ENDPOINT), _stream),
        ("ring, checksum", RingConfig(_RING), _ring),
        ("in place, checksum", RingConfig(_RING, copy=False), _ring),
        ("ring, in place", RingConfig(_RING, checksum=False, copy=False), _ring),
    ]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before")
    for name, source, sender in kinds:
        _FOLDER.mkdir()
        try:
            journal, output = JournalConfig(str(_FOLDER / "journal")), OutputConfig(str(_FOLDER / "out"))
            config = NodeConfig(options.bundle, source, journal, output, realtime=realtime)
            print(f"{name:<19} {_measured(config, sender, options.frames)}")
        finally:
            shutil.rmtree(_FOLDER)
    print(f"load {os.getloadavg()[0]:.1f} after; {machine.describe()}")


class _Seen(Outlet):
    """The node's own outlet, which also keeps the last verdict, for the time that its engine took."""

    def __init__(self, inner: Outlet) -> None:
        self._inner = inner
        self.last: Verdict | None = None

    def send(self, verdict: Verdict) -> None:
        self.last = verdict
        self._inner.send(verdict)


def _measured(config: NodeConfig, sender: Callable[[], None], frames: int) -> str:
    outside_ms: list[float] = []
    engine_ms: list[float] = []
    with parts_of(config) as parts:
        set_realtime(parts)
        for event in parts.events.take():
            print(f"{event.name}: {event.detail}")
        seen = parts.outlet = _Seen(parts.outlet)
        loop = Loop(parts)
        process = multiprocessing.get_context("spawn").Process(target=sender)
        process.start()
        try:
            until = time.monotonic() + 60 + frames * 0.2
            while len(outside_ms) < frames + _WARM_UP and time.monotonic() < until:
                time.sleep(0.005)
                seen.last = None
                start = time.perf_counter_ns()
                loop.turn(0)
                spent = time.perf_counter_ns() - start
                if seen.last is not None and seen.last.status is Status.ANSWERED:
                    outside_ms.append((spent - seen.last.stage_ns.infer) / 1e6)
                    engine_ms.append(seen.last.stage_ns.infer / 1e6)
        finally:
            process.terminate()
            process.join()
        ends = parts.account.as_dict()["frames"]
    outside, engine = outside_ms[_WARM_UP:], engine_ms[_WARM_UP:]
    p50, p99 = np.percentile(outside, [50, 99])
    passed = sum(ends["skipped"].values())
    return (
        f"outside the engine: median {p50:.2f} ms, p99 {p99:.2f} ms; engine median {np.median(engine):.1f} ms; "
        f"{len(outside)} frames, {passed} skipped"
    )


def _message(frame_id: int, run: bytes, pixels: np.ndarray[Any, Any], checksum: bool) -> Header:
    pixels[0, 0] = frame_id % 256
    now, crc = time.monotonic_ns(), zlib.crc32(pixels.data) if checksum else 0
    return Header(
        run, frame_id, now, now, now, _SIDE, _SIDE, 3 * _SIDE, PixelFormat.RGB8, _BOX, "detector",
        pixels.nbytes, crc,
    )  # fmt: skip


def _pixels() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3)).astype(np.uint8)


def _stream() -> None:
    import zmq

    run, pixels, frame_id = uuid.uuid4().bytes, _pixels(), 0
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(_ENDPOINT)
        while True:
            socket.send_multipart([encode(_message(frame_id, run, pixels, True)), pixels.data])
            frame_id += 1
            time.sleep(_PERIOD_S)


def _ring() -> None:
    run, pixels, frame_id = uuid.uuid4().bytes, _pixels(), 0
    with RingWriter(Path(_RING), 4, pixels.nbytes) as writer:
        while True:
            writer.write(_message(frame_id, run, pixels, False), pixels.data.cast("B"))
            frame_id += 1
            time.sleep(_PERIOD_S)


if __name__ == "__main__":
    main()
