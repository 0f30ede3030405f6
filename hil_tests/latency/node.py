"""The node, and end to end, under each condition, with the bench's own streaming."""

import json
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from hil_tests.bench.config import BenchConfig
from hil_tests.bench.pictures import Picture
from hil_tests.bench.workbench import Workbench, workbench
from hil_tests.latency.busy import busy
from hil_tests.latency.frames import NodeTimes, answered
from onboard.errors import InputError

_READY_S, _SETTLE_S = 120.0, 0.3


class NodeRuns:
    """Streams at a node.

    Args:
        setup: node and stream.
        pictures: that are sent.
        windows: name of the window size by picture, as far as known.
        out: folder for the node's files.

    Attributes:
        times: by condition.
    """

    def __init__(self, setup: BenchConfig, pictures: list[Picture], windows: dict[int, str], out: Path) -> None:
        self._setup, self._pictures, self._windows, self._out = setup, pictures, windows, out
        self.times: dict[str, NodeTimes] = {}
        self._next = 2  # the workbench's own first frame shows picture 1

    def warm_and_loaded(
        self, frames: int, warm_up: int, processes: int, around: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        """One process of the node, first by itself, then beside so many busy processes, if any.

        Args:
            frames: of each condition.
            warm_up: frames before those that count.
            processes: 0: nothing is measured under load.
            around: gives what is open while a condition, by its name, is measured.
        """
        with workbench(self._setup, self._pictures, self._out) as bench:
            bench.wait_until_ready()
            if warm_up:
                self._stream(bench, warm_up, NodeTimes())
            for condition in ("warm", "loaded") if processes else ("warm",):
                self.times[condition] = NodeTimes()
                with around(condition), busy(processes if condition == "loaded" else 0):
                    self._stream(bench, frames, self.times[condition])

    def cold(self, starts: int, frames: int, before_start: Callable[[Path], object]) -> None:
        """The first frames of many processes of the node."""
        self.times["cold"] = NodeTimes()
        for _ in range(starts):
            shutil.rmtree(self._out / "node", ignore_errors=True)
            with workbench(
                self._setup, self._pictures, self._out, before_start=lambda bundle: (before_start(bundle), None)[1]
            ) as bench:
                self.times["cold"].ready_s.append(self._wait_until_flying(bench))
                self._stream(bench, frames, self.times["cold"])

    def _stream(self, bench: Workbench, frames: int, times: NodeTimes) -> None:
        run = uuid.uuid4().bytes
        sent = bench.sender.send(run, frames, first_picture=self._next)
        self._next += frames
        bench.wait_until_quiet(run, sent)
        times.starts.append(answered(sent, bench.receiver.of(run), self._windows))
        times.sent += len(sent)

    def _wait_until_flying(self, bench: Workbench) -> float:
        """Until its events say that it has started, without a frame; gives the seconds since the process began.

        Raises:
            InputError: it does not start.
        """
        assert bench.node is not None
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            bench.node.check()
            if self._has_started():
                ready_s = (time.monotonic_ns() - bench.node.lives[-1].started_ns) / 1e9
                time.sleep(_SETTLE_S)  # sockets connect
                return ready_s
            time.sleep(0.005)
        raise InputError(f"the node did not start within {_READY_S:g} s: {bench.node.said()}")

    def _has_started(self) -> bool:
        events = self._out / "node" / "events.jsonl"
        if not events.is_file():
            return False
        whole = [line for line in events.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return any(json.loads(line)["event"] == "started" for line in whole)
