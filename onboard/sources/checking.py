"""A check on pixels that runs beside the loop's work on them, and is asked for before the verdict."""

import queue
import threading
from collections.abc import Callable

from onboard.messages import Status
from onboard.sources.source import Flaw
from onboard.wire.error import WireError
from onboard.wire.frame import Buffer, Header, check_payload

CHECKER = "checksum"
"""The thread's name."""
Check = Callable[[], Flaw | None]


def checksum(payload: Buffer, header: Header) -> Flaw | None:
    """What the pixels' CRC32 finds."""
    try:
        check_payload(payload, header)
    except WireError as error:
        return Flaw(Status.REJECTED, error.reason, str(error))
    return None


class Checker:
    """Runs one check at a time in a thread of its own. zlib lets go of Python's lock, so the loop works meanwhile."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_UnderWay | None] = queue.SimpleQueue()
        self._last: _UnderWay | None = None
        self._thread = threading.Thread(target=self._work, name=CHECKER, daemon=True)
        self._thread.start()

    def begin(self, check: Check) -> Check:
        """Start a check, when the one before it has ended; gives what waits for its end and tells what it found."""
        if self._last is not None:
            self._last.found()
        self._last = _UnderWay(check)
        self._waiting.put(self._last)
        return self._last.found

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (each := self._waiting.get()) is not None:
            each.run()
            del each  # or it would keep the frame's memory until the next one comes


class _UnderWay:
    def __init__(self, check: Check) -> None:
        self._check: Check | None = check
        self._found: Flaw | None = None
        self._error: Exception | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def run(self) -> None:
        assert self._check is not None
        try:
            self._found = self._check()
        except Exception as error:  # the loop's to raise: a thread that ends here would keep it waiting for ever
            self._error = error
        self._check = None
        self._done.release()

    def found(self) -> Flaw | None:
        with self._done:
            if self._error is not None:
                raise self._error
            return self._found
