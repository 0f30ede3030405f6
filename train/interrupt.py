"""Ctrl-C that lets the step under way come to its end, so that what is saved is whole."""

import signal
import sys
import threading
from types import FrameType, TracebackType


class Interruptible:
    """While the block runs, the first Ctrl-C only sets `asked`; a second one interrupts at once.

    Outside the main thread, where Python takes no signal handlers, it does nothing.

    Args:
        doing: what the first Ctrl-C is answered with, after "stopping".
    """

    def __init__(self, doing: str = "saving the state (Ctrl-C again to stop without)") -> None:
        self.asked = False
        self._doing = doing
        self._main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Interruptible":
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print(f"stopping: {self._doing}", file=sys.stderr)
