"""What TensorRT says while it parses and builds: errors kept for the error message, warnings and phases shown."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_SHOWN_ERRORS = 8


def logger(trt: Any) -> Any:
    """An ILogger that keeps errors in `.errors` and prints each warning once."""

    class Kept(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []
            self.warnings: set[str] = set()

        def log(self, severity: Any, msg: str) -> None:
            if int(severity) < int(trt.ILogger.Severity.WARNING):
                self.errors.append(msg.strip())
            elif int(severity) == int(trt.ILogger.Severity.WARNING) and msg not in self.warnings:
                self.warnings.add(msg)
                print(f"  TensorRT warns: {msg.strip()}", flush=True)

        def text(self) -> str:
            """The errors so far, oldest first; the first is mostly the cause and the rest follow from it."""
            return "; ".join(self.errors[:_SHOWN_ERRORS]) or "TensorRT gave no reason"

    return Kept()


def monitor(trt: Any, stopped: Callable[[], bool]) -> Any:
    """An IProgressMonitor that prints the outer phases and ends the build once `stopped`; None where there is none."""
    if not hasattr(trt, "IProgressMonitor"):
        return None

    class Phases(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._outer: str | None = None
            self._start = time.monotonic()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._outer = self._outer or phase_name
            if parent_phase in (None, self._outer):
                print(f"  {time.monotonic() - self._start:6.1f} s  {phase_name}", flush=True)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return not stopped()

        def phase_finish(self, phase_name: str) -> None:
            return None

    return Phases()


@contextmanager
def ctrl_c_noted() -> Iterator[Callable[[], bool]]:
    """Within the block Ctrl-C is only noted, and raised at its end: no exception may pass through TensorRT's frames.

    Gives a function that tells whether it was pressed. Outside the main thread nothing changes.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        raise KeyboardInterrupt
