"""The engine alone, under each condition: processes that time it, one for each window size."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hil_tests.latency.busy import busy
from hil_tests.latency.engine_process import Order, Timed
from onboard.errors import InputError


@dataclass(frozen=True)
class Place:
    """Where bundle and engine are.

    Attributes:
        bundle: its folder.
        engine: the engine's folder; None: ONNX Runtime.
        threads: of ONNX Runtime.
        shapes: heights and widths of the windows, by their name in figures.
    """

    bundle: Path
    engine: Path | None
    threads: int
    shapes: dict[str, tuple[int, int]]


@dataclass
class EngineTimes:
    """Of one window size under one condition.

    Attributes:
        starts: milliseconds of each call, by process.
        inside: by what the engine tells itself, of all calls.
        load_ms: of each process.
    """

    starts: list[list[float]] = field(default_factory=list)
    inside: dict[str, list[float]] = field(default_factory=dict)
    load_ms: list[float] = field(default_factory=list)

    @property
    def calls(self) -> list[float]:
        return [ms for each in self.starts for ms in each]

    def add(self, timed: Timed) -> None:
        self.starts.append(timed.call_ms)
        self.load_ms.append(timed.load_ms)
        for name, values in timed.inside_ms.items():
            self.inside.setdefault(name, []).extend(values)


class EngineAlone:
    """Times a bundle's engine.

    Args:
        place: where it is.

    Attributes:
        times: by condition and window size.
        about: the engine, as it tells itself; empty until it has been timed.
        name: the same for people.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.times: dict[str, dict[str, EngineTimes]] = {}
        self.about: dict[str, Any] = {}
        self.name = ""

    def look(self) -> None:
        """Load it once, to know what it is; raises InputError where it cannot be used."""
        self._time(next(iter(self._place.shapes.values())), 0)

    def warm(self, calls: int, warm_up: int, period_s: float = 0.0) -> None:
        """Back to back, or paced where there is a period."""
        self.times["paced" if period_s else "warm"] = self._each(
            lambda size: self._time(size, calls, warm_up, period_s)
        )

    def loaded(self, calls: int, warm_up: int, processes: int) -> None:
        """Back to back, beside so many busy processes."""
        with busy(processes):
            self.times["loaded"] = self._each(lambda size: self._time(size, calls, warm_up))

    def cold(self, starts: int, calls: int, before_start: Callable[[], object]) -> None:
        """The first calls of many processes."""

        def start(size: tuple[int, int]) -> Timed:
            before_start()
            return self._time(size, calls)

        self.times["cold"] = self._each(start, starts)

    def _each(self, time_one: Callable[[tuple[int, int]], Timed], processes: int = 1) -> dict[str, EngineTimes]:
        found = {name: EngineTimes() for name in self._place.shapes}
        for _ in range(processes):
            for name, size in self._place.shapes.items():
                found[name].add(time_one(size))
        return found

    def _time(self, size: tuple[int, int], calls: int, warm_up: int = 0, period_s: float = 0.0) -> Timed:
        place = self._place
        engine = None if place.engine is None else str(place.engine)
        order = Order(str(place.bundle), engine, place.threads, size, calls, warm_up, period_s)
        command = [sys.executable, "-m", "hil_tests.latency.engine_process", msgspec.json.encode(order).decode()]
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise InputError(f"the engine alone ended with code {done.returncode}: {said[0].removeprefix('error: ')}")
        timed = msgspec.json.decode(done.stdout.splitlines()[-1], type=Timed)  # libraries may print before it
        self.about, self.name = timed.about, timed.name
        return timed
