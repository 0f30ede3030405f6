"""What the node costs beside its engine: a frame's time outside the engine call, and the frame rate.

python -m benchmarks.node_overhead runs/demo/bundle --priority 5

Overhead: 20 frames a second; from the look at the source that finds a frame to the end of the loop's turn, less the
time in the engine: receiving, checksums, journal, sanity, cutting the window, the verdict, and handing it to its file.
Rate: frames come a tenth faster than the engine takes them; the engine alone and the whole loop take turns of two
seconds. The engine's share of the loop's own time stands beside it: on a machine whose speed drifts between two turns
it tells what the loop takes, though not what the engine loses to the threads beside it.

The box is given. The journal has come round, as in a long flight. With a priority the loop runs as `realtime.priority`
has it, the sender too, and other processes stay out of the figures.
"""

import argparse
import gc
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks import ending
from benchmarks.node_frames import BOX, picture, sent
from onboard import bundle as bundle_files
from onboard import machine
from onboard.errors import InputError
from onboard.fly.config import JournalConfig, NodeConfig, OutputConfig
from onboard.fly.loop import Loop, Parts
from onboard.fly.opening import parts_of
from onboard.fly.outlet import Outlet
from onboard.fly.realtime import RealtimeConfig
from onboard.fly.watching import set_realtime
from onboard.messages import Status, Verdict
from onboard.sources import Source, SourceConfig, Taken
from onboard.sources.config import RingConfig, StreamConfig
from onboard.window import buffers, cut

_PERIOD_S, _WARM_UP, _TURN_S = 0.05, 40, 2.0
_SWEPT_BYTES = 1 << 27  # more than the last cache holds
_FOLDER = Path("/dev/shm/debris-node-overhead")
_RING, _ENDPOINT = str(_FOLDER / "camera"), f"ipc://{_FOLDER}/frames"
_SOURCES: dict[str, SourceConfig] = {
    "stream, checksum": StreamConfig(_ENDPOINT),
    "ring, checksum": RingConfig(_RING),
    "in place, checksum": RingConfig(_RING, copy=False),
    "ring, in place": RingConfig(_RING, checksum=False, copy=False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", help="folder of a flight bundle")
    parser.add_argument("--frames", type=int, default=300, help="measured for each source (default: 300)")
    parser.add_argument("--rounds", type=int, default=7, help="of engine and loop in turn (default: 7)")
    parser.add_argument("--priority", type=int, help="SCHED_FIFO, 1 to 99 (default: none)")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before; {machine.describe()}")
    print(f"cutting the window alone, from a frame that no cache holds: {_cut_ms(options.bundle)}", flush=True)
    for name, source in _SOURCES.items():
        with _opened(options.bundle, source, options.priority) as parts:
            print(f"{name:<19} {_overhead(parts, options.frames)}", flush=True)
    for name, source in _SOURCES.items():
        with _opened(options.bundle, source, options.priority) as parts:
            print(f"{name:<19} {_rate(parts, options.rounds)}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} after")


def _cut_ms(bundle: str) -> str:
    """What memory alone costs: a camera process has written the frame, and the engine has used the caches since."""
    frame, spec = picture(), bundle_files.read(Path(bundle)).manifest.crop
    into, swept, cuts_ms = buffers(spec), np.zeros(_SWEPT_BYTES, np.uint8), []
    for _ in range(100):
        swept += 1
        start = time.perf_counter_ns()
        cut(frame, BOX, spec, into)
        cuts_ms.append((time.perf_counter_ns() - start) / 1e6)
    low, middle, high = np.percentile(cuts_ms, [10, 50, 90])
    return f"median {middle:.2f} ms ({low:.2f} to {high:.2f}, 10th to 90th percentile)"


@contextmanager
def _opened(bundle: str, source: SourceConfig, priority: int | None) -> Iterator[Parts]:
    _FOLDER.mkdir()
    try:
        journal, output = JournalConfig(str(_FOLDER / "journal"), records=32), OutputConfig(str(_FOLDER / "out"))
        config = NodeConfig(bundle, source, journal, output, realtime=RealtimeConfig(priority=priority))
        with parts_of(config) as parts:
            set_realtime(parts)
            for event in parts.events.take():
                print(f"{event.name}: {event.detail}")
            gc.collect()
            gc.freeze()
            yield parts
            gc.unfreeze()
    finally:
        shutil.rmtree(_FOLDER)


class _Seen(Outlet):
    """The node's own outlet, which also keeps the last verdict, and how long the engine took for all of them."""

    def __init__(self, inner: Outlet) -> None:
        self._inner = inner
        self.last: Verdict | None = None
        self.engine_ns = 0

    def send(self, verdict: Verdict) -> None:
        self.last = verdict
        self.engine_ns += verdict.stage_ns.infer or 0
        self._inner.send(verdict)


class _Looked:
    """The node's own source, looked at every 0.5 ms as the ring's does it, which tells when the last look began."""

    def __init__(self, inner: Source) -> None:
        self._inner, self.began_ns = inner, 0
        self.ended, self.close = False, inner.close

    def take(self, timeout_s: float) -> Taken:
        until = time.monotonic() + timeout_s
        while True:
            self.began_ns = time.perf_counter_ns()
            taken = self._inner.take(0)
            if taken.items or time.monotonic() > until:
                return taken
            time.sleep(0.0005)


def _overhead(parts: Parts, frames: int) -> str:
    seen = parts.outlet = _Seen(parts.outlet)
    looked = parts.source = _Looked(parts.source)
    loop = Loop(parts)
    outside_ms: list[float] = []
    with sent(parts.config.source, _PERIOD_S, parts.config.realtime.priority):
        until = time.monotonic() + 60 + frames * 0.2
        while len(outside_ms) < frames + _WARM_UP and time.monotonic() < until:
            seen.last = None
            loop.turn(0.1)
            outside_ns = time.perf_counter_ns() - looked.began_ns
            if seen.last is not None and seen.last.status is Status.ANSWERED:
                outside_ns -= seen.last.stage_ns.infer
                if outside_ns > 0:  # else it was taken beside the engine, which is slower than the frames come
                    outside_ms.append(outside_ns / 1e6)
    if len(outside_ms) <= _WARM_UP:
        raise _too_few(parts)
    p50, p99 = np.percentile(outside_ms[_WARM_UP:], [50, 99])
    engine_ms = parts.account.times["infer"].percentile(0.5) / 1e6
    ends = parts.account.as_dict()["frames"]
    return (
        f"outside the engine: median {p50:.2f} ms, p99 {p99:.2f} ms; engine median {engine_ms:.1f} ms; "
        f"{len(outside_ms) - _WARM_UP} frames, {sum(ends['skipped'].values())} skipped"
    )


def _too_few(parts: Parts) -> InputError:
    """Says what became of the frames instead."""
    ends = [
        f"{count} {status.value}" + (f" ({reason})" if reason else "")
        for (status, reason), count in parts.account.ends.items()
    ]
    return InputError(f"{parts.config.bundle}: too few frames were answered in time; {', '.join(ends) or 'none came'}")


def _rate(parts: Parts, rounds: int) -> str:
    """The loop's frames a second as a share of the engine's, round by round."""
    engine_hz = _engine_hz(parts)
    seen = parts.outlet = _Seen(parts.outlet)
    loop, ratios, engines, shares, outside_ms = Loop(parts), [], [], [], []
    with sent(parts.config.source, 0.9 / engine_hz, parts.config.realtime.priority):
        until = time.monotonic() + 60
        while parts.account.totals()[0] < _WARM_UP:
            if time.monotonic() > until:
                raise _too_few(parts)
            loop.turn(0.1)
        for _ in range(rounds):
            before, (hz, share) = _engine_hz(parts), _loop_hz(parts, loop, seen)
            shares.append(share)
            outside_ms.append(1e3 * (1 - share) / hz)
            engines.append((before + _engine_hz(parts)) / 2)  # before and behind it, for a machine that drifts
            ratios.append(hz / engines[-1])
    answered, _, skipped = parts.account.totals()
    low, middle, high = np.percentile(ratios, [0, 50, 100])
    return (
        f"rate: {middle:.1%} of the engine's {np.median(engines):.1f} Hz (median of {rounds} rounds, {low:.1%} to "
        f"{high:.1%}); engine's share of the loop's time {np.median(shares):.1%} ({min(shares):.1%} to "
        f"{max(shares):.1%}), {np.median(outside_ms):.2f} ms a frame outside it ({min(outside_ms):.2f} to "
        f"{max(outside_ms):.2f}); {answered} answered, {skipped} passed over"
    )


def _engine_hz(parts: Parts) -> float:
    bundle, detector = parts.guard.bundle, parts.guard.flown.detector
    assert detector is not None
    window, count, start = cut(picture(), BOX, bundle.manifest.crop), 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < _TURN_S:
        detector.engine.run(window)
        count += 1
    return count / spent


def _loop_hz(parts: Parts, loop: Loop, seen: _Seen) -> tuple[float, float]:
    """Frames a second, and the engine's share of the time."""
    loop.turn(0.1)  # what has come since, and the journal's many
    before, engine_ns, start = parts.account.totals()[0], seen.engine_ns, time.perf_counter()
    while (spent := time.perf_counter() - start) < _TURN_S:
        loop.turn(0.1)
    if (answered := parts.account.totals()[0] - before) == 0:
        raise _too_few(parts)
    return answered / spent, (seen.engine_ns - engine_ns) / 1e9 / spent


if __name__ == "__main__":
    ending.run(main)
