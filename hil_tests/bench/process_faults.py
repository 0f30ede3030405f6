"""Faults of the node's process and its host, each done and undone beside the stream."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hil_tests.bench import process_memory
from hil_tests.bench.damage import damaged
from hil_tests.bench.disk import Disk
from hil_tests.bench.node import NodeProcess
from hil_tests.bench.plan import FaultPlan, Injection, ProcessKind
from hil_tests.bench.process_memory import Turn, Turned

_LOOK_S, _WRITING_S = 0.01, 0.1  # from one look at a starting node to the next; for what it writes at its start


@dataclass(frozen=True)
class Done:
    """A fault as it was done: when it began, and when the node was free to recover (ns, monotonic).

    Attributes:
        turned: what was turned in its memory, where the fault is of that kind.
        met_full_disk: of `disk_full_kill`, whether a node that was started anew came to its files while the disk was
            full; None: there was no such disk, for only the killed process was limited.
    """

    injection: Injection
    began_ns: int
    unblocked_ns: int
    turned: Turned | None = None
    met_full_disk: bool | None = None


class ProcessFaults:
    """Does faults one after the other in a thread.

    Args:
        node: the process.
        plan: how long they last.
        model: the file of the node's own copy of the bundle that `bundle_corrupt` damages.
        keep_hashes: as in `hil_tests.bench.config.NodeSetup`.
        disk: where the node's output lies.
        turns: which bits those faults turn that strike its memory.

    Attributes:
        done: what was done.
        error: what went wrong in the bench itself, or None.
    """

    def __init__(
        self,
        node: NodeProcess,
        plan: FaultPlan,
        model: Path,
        keep_hashes: bool,
        disk: Disk | None,
        turns: Mapping[Injection, Turn],
    ) -> None:
        self._node, self._plan, self._model, self._keep_hashes, self._disk = node, plan, model, keep_hashes, disk
        self._turns = turns
        self.done: list[Done] = []
        self.error: BaseException | None = None
        self._waiting: queue.SimpleQueue[Injection | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="process-faults", daemon=True)
        self._thread.start()

    def begin(self, fault: Injection) -> None:
        """Do a fault as soon as the one before it is over."""
        self._waiting.put(fault)

    def close(self) -> None:
        """Wait for the last one.

        Raises:
            OSError: one could not be done.
        """
        self._waiting.put(None)
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _work(self) -> None:
        try:
            while (fault := self._waiting.get()) is not None:
                began = time.monotonic_ns()
                if fault in self._turns:
                    turned = process_memory.turn(self._node.pid, self._turns[fault])
                    self.done.append(Done(fault, began, time.monotonic_ns(), turned))
                elif fault.kind == "disk_full_kill" and self._disk is not None:
                    self.done.append(self._kill_while_full(fault, began, self._disk))
                else:
                    self.done.append(Done(fault, began, self._do(fault)))
        except BaseException as error:
            self.error = error

    def _do(self, fault: Injection) -> int:
        kind: ProcessKind = fault.kind  # type: ignore[assignment]
        pause_s = self._plan.process_ms / 1000
        if kind == "kill":
            killed = time.monotonic_ns()
            self._node.signal(signal.SIGKILL)
            return killed
        if kind == "stop":
            self._node.signal(signal.SIGSTOP)
            time.sleep(pause_s)
            self._node.signal(signal.SIGCONT)
        elif kind == "disk_full" and self._disk is not None:
            pid = self._node.pid
            self._disk.fill(pid)
            time.sleep(pause_s)
            self._disk.free(pid)
        elif kind == "cpu_hog":
            _hog(pause_s)
        elif kind == "bundle_corrupt":
            self._corrupt(fault.seed, pause_s)
        elif kind == "bundle_rot":
            with damaged(self._model, fault.seed, self._keep_hashes):
                time.sleep(self._plan.rot_ms / 1000)
        return time.monotonic_ns()

    def _kill_while_full(self, fault: Injection, began_ns: int, disk: Disk) -> Done:
        """The node may recover from its kill on: a full disk is nothing to wait for.

        It comes to its files when its engine is loaded; on a busy processor the disk stays full for longer, until then.
        """
        killed, least_s = self._node.pid, self._plan.process_ms / 1000
        disk.fill(killed)
        killed_ns, until_s = time.monotonic_ns(), time.monotonic() + least_s
        self._node.signal(signal.SIGKILL)
        met, most_s = False, until_s + (self._plan.settle_ms / 2000 if disk.for_all else 0)
        while time.monotonic() < (until_s if met else most_s):
            time.sleep(_LOOK_S)
            if not met and (now := self._node.pid) != killed and disk.reached_by(now):
                met, until_s = True, max(until_s, time.monotonic() + _WRITING_S)
        disk.free(self._node.pid)
        return Done(fault, began_ns, killed_ns, met_full_disk=met if disk.for_all else None)

    def _corrupt(self, seed: int, pause_s: float) -> None:
        """Damage the bundle, and kill the node so that it has to read it again; then put it back."""
        with damaged(self._model, seed, self._keep_hashes):
            self._node.signal(signal.SIGKILL)
            time.sleep(pause_s)


def _hog(pause_s: float) -> None:
    """Keep every processor busy with two processes each."""
    spin = "import time, sys\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"
    count = 2 * (os.cpu_count() or 1)
    hogs = [subprocess.Popen([sys.executable, "-S", "-c", spin, str(pause_s)]) for _ in range(count)]
    for hog in hogs:
        hog.wait()
