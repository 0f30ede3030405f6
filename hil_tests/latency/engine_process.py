"""The engine alone, in a process of its own: loads a bundle, times its calls on a window, prints them as JSON.

python -m hil_tests.latency.engine_process JSON
"""

import sys
import time
from pathlib import Path

import msgspec
import numpy as np

from onboard import bundle as bundles
from onboard import engine as engines
from onboard.errors import InputError
from onboard.window import Window


class Order(msgspec.Struct, frozen=True):
    """What to time.

    Attributes:
        bundle, engine: folders; no engine: ONNX Runtime.
        threads: of ONNX Runtime.
        size: height and width of the window.
        calls: that are timed.
        warm_up: calls before them.
        period_s: from one call's start to the next; 0: back to back.
    """

    bundle: str
    engine: str | None
    threads: int
    size: tuple[int, int]
    calls: int
    warm_up: int = 0
    period_s: float = 0.0


class Timed(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        load_ms: bundle read, hashes checked, engine made; the interpreter and the libraries are there before.
        call_ms: of each call, in order.
        inside_ms: what the engine itself tells of each call (`h2d`, `compute`, `d2h`); nothing of ONNX Runtime.
        about: the engine.
        name: the engine, for people.
    """

    load_ms: float
    call_ms: list[float]
    inside_ms: dict[str, list[float]]
    about: dict[str, object]
    name: str


def measure(order: Order) -> Timed:
    """Load and time.

    Raises:
        InputError: bundle or engine cannot be used on this machine.
    """
    start = time.perf_counter_ns()
    bundle = bundles.read(Path(order.bundle))
    engine = engines.load(bundle, order.threads, None if order.engine is None else Path(order.engine))
    load_ms = (time.perf_counter_ns() - start) / 1e6
    window = _window(order.size)
    for _ in range(order.warm_up):
        engine.run(window)
    calls: list[float] = []
    inside: dict[str, list[float]] = {}
    due = time.perf_counter()
    for _ in range(order.calls):
        if order.period_s:
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter()) + order.period_s
        start = time.perf_counter_ns()
        engine.run(window)
        calls.append((time.perf_counter_ns() - start) / 1e6)
        for name, value in engine.times_ms().items():
            inside.setdefault(name, []).append(value)
    return Timed(load_ms, calls, inside, engine.about(), engine.name)


def _window(size: tuple[int, int]) -> Window:
    """Noise, with a box over two thirds of it."""
    height, width = size
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Window(pixels, np.array([width / 6, height / 6, width * 5 / 6, height * 5 / 6], np.float32))


if __name__ == "__main__":
    try:
        sys.stdout.buffer.write(b"\n" + msgspec.json.encode(measure(msgspec.json.decode(sys.argv[1], type=Order))))
    except InputError as error:
        sys.exit(f"error: {error}")
