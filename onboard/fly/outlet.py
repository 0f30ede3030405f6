"""Where verdicts go. Nothing here waits: what a receiver does not take is dropped and counted."""

import math
from typing import Any

import msgspec

from onboard.bundle import Bundle
from onboard.detector import LOGIT
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import SocketConfig
from onboard.fly.line_file import LineFile
from onboard.messages import Verdict
from onboard.sockets import attach
from onboard.telemetry.telemetry import Telemetry
from onboard.wire import verdict as wire

_REMEDY = "output.pose_outputs names those to keep"
_LEAST_BYTES = {"float": 4, "other": 2}  # of a number in JSON: "0.0," and "0,"


def tell_of_too_large(bundle: Bundle, names: tuple[str, ...] | None, events: Events) -> None:
    """Name the outputs that no verdict has room for, whatever their numbers, when a bundle begins to fly.

    Args:
        bundle: that flies.
        names: of the outputs that verdicts carry; None: all.
        events: told `outputs_too_large`.
    """
    for spec in bundle.manifest.outputs:
        sizes = [size for size in spec.shape if isinstance(size, int)]
        least = math.prod(sizes) * _LEAST_BYTES["float" if spec.dtype.startswith("float") else "other"]
        if spec.name != LOGIT and (names is None or spec.name in names) and least > wire.MOST_BYTES:
            told = f"{spec.name} of {' x '.join(map(str, spec.shape))} numbers never fits into a verdict"
            events.add("outputs_too_large", f"{told}, which holds {wire.MOST_BYTES} bytes; {_REMEDY}")


class VerdictSocket:
    """Sends verdict messages over ZeroMQ.

    Args:
        config: kind and endpoint.
        events: told of verdicts that were dropped.

    Attributes:
        dropped: verdicts that the queue had no room for.

    Raises:
        InputError: pyzmq is not installed, or the endpoint or its keys cannot be used.
    """

    def __init__(self, config: SocketConfig, events: Events) -> None:
        try:
            import zmq
        except ImportError as error:
            raise InputError(
                "output.socket: needs pyzmq, which is not installed; pip install 'debris-rider[stream]'"
            ) from error
        self.dropped, self._events, self._endpoint = 0, events, config.endpoint
        self._error, self._now = zmq.ZMQError, zmq.NOBLOCK
        self._context: Any = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH if config.kind == "push" else zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, config.queue)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
        self._socket.setsockopt(zmq.LINGER, 200)
        try:
            self._guard = attach(self._context, self._socket, config.endpoint, config.bind, config.curve)
        except InputError:
            self._context.destroy(0)
            raise

    def send(self, message: bytes) -> None:
        try:
            self._socket.send(message, self._now)
        except self._error:
            self.dropped += 1
            self._events.add("verdict_dropped", f"{self._endpoint}: nobody takes verdicts; the journal has the records")

    def close(self) -> None:
        """Send what waits, for at most 0.2 s."""
        if self._guard is not None:
            self._guard.stop()
        self._context.destroy(200)


class Outlet:
    """Sends each verdict to all that there is.

    Args:
        file: gets it as a line; None: no file.
        socket: gets it as a message; None: no socket.
        events: told of outputs that are too large for a message.
        telemetry: gets it as packets; None: no telemetry.
    """

    def __init__(
        self,
        file: LineFile | None,
        socket: VerdictSocket | None,
        events: Events,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._file, self._socket, self._events, self._telemetry = file, socket, events, telemetry

    def send(self, verdict: Verdict) -> None:
        message = wire.encode(verdict)
        if len(message) > wire.MOST_BYTES:
            message = self._fitting(verdict, len(message))
        if self._socket is not None:
            self._socket.send(message)
        if self._file is not None:
            self._file.add(message[wire.PREFIX_BYTES :])
        if self._telemetry is not None:
            self._telemetry.verdict(verdict)

    def _fitting(self, verdict: Verdict, size: int) -> bytes:
        """The message without its largest outputs, as many as have to go: a pose of a few numbers goes out."""
        kept = dict(verdict.outputs or {})
        sizes = {name: len(msgspec.json.encode(values)) for name, values in kept.items()}
        gone = []
        for name in sorted(sizes, key=lambda each: sizes[each], reverse=True):
            if size <= wire.MOST_BYTES:
                break
            size -= sizes[name]
            del kept[name]
            gone.append(f"{name} ({sizes[name]} bytes)")
        left_out = f"without {', '.join(gone)}, for a verdict holds {wire.MOST_BYTES} bytes; {_REMEDY}"
        self._events.add("outputs_too_large", left_out)
        return wire.encode(msgspec.structs.replace(verdict, outputs=kept or None))

    def dropped(self) -> dict[str, int]:
        """Verdicts that did not go out, by the way that they did not take."""
        ways = {"file": self._file, "socket": self._socket}
        return {name: way.dropped for name, way in ways.items() if way is not None}
