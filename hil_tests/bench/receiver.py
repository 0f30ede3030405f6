"""Takes verdicts as they come, and notes when."""

import threading
import time

import zmq

from hil_tests.bench.history import Told
from onboard.sockets import Curve, attach
from onboard.wire import WireError, verdict


class Receiver:
    """Listens for verdict messages in a thread.

    Args:
        endpoint: to bind or connect to.
        bind: wait here for the node.
        curve: keys.

    Attributes:
        garbage: messages that were no verdicts.
    """

    def __init__(self, endpoint: str, bind: bool, curve: Curve | None = None) -> None:
        self._told: dict[str, list[Told]] = {}
        self._news = threading.Condition()
        self.garbage = 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, 10_000)
        self._guard = attach(self._context, self._socket, endpoint, bind, curve)
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="receiver", daemon=True)
        self._thread.start()

    def of(self, run: bytes) -> list[Told]:
        """A run's verdicts so far, in the order of their arrival."""
        with self._news:
            return list(self._told.get(run.hex(), []))

    def wait_for(self, run: bytes, count: int, timeout_s: float) -> bool:
        """Wait until a run has so many verdicts; gives whether it has."""
        with self._news:
            return self._news.wait_for(lambda: len(self._told.get(run.hex(), [])) >= count, timeout_s)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        if self._guard is not None:
            self._guard.stop()
        self._context.destroy(0)

    def _listen(self) -> None:
        while not self._stop.is_set():
            if not self._socket.poll(100):
                continue
            message = self._socket.recv()
            now = time.monotonic_ns()
            try:
                told = verdict.decode(message)
            except WireError:
                self.garbage += 1
                continue
            found = Told(
                told.frame_id, now, told.status.value, told.reason, told.anomaly_score, told.is_debris, told.bundle,
                told.stage_ns,
            )  # fmt: skip
            with self._news:
                self._told.setdefault(told.run, []).append(found)
                self._news.notify_all()
