"""Frame messages over ZeroMQ as a source."""

import time
from functools import partial
from typing import Any

import numpy as np

from onboard.errors import InputError
from onboard.event import Event
from onboard.image import Frame
from onboard.messages import Status
from onboard.pixels import to_rgb
from onboard.sockets import attach
from onboard.sources.checking import Checker, checksum
from onboard.sources.config import StreamConfig
from onboard.sources.source import SUPERSEDED, Settled, SourceFrame, Taken, called, framed
from onboard.sources.watch import Gaps, Silence
from onboard.wire import Header, PixelFormat, WireError, message_of, read_header

_MOST_AT_ONCE = 64  # messages of one `take`, so that a flood cannot keep it busy for ever


class StreamSource:
    """Takes the newest message that has arrived, and accounts for those that it passed over.

    ZeroMQ itself connects again to a sender that went away, after 0.1 s and at most 2 s.

    Args:
        config: the endpoint, its keys and limits.

    Raises:
        InputError: pyzmq is not installed, or the endpoint or its keys cannot be used.
    """

    ended = False

    def __init__(self, config: StreamConfig) -> None:
        try:
            import zmq
        except ImportError as error:
            raise InputError(
                "source.kind: 'stream' needs pyzmq, which is not installed; pip install 'debris-rider[stream]'"
            ) from error
        self._config, self._name = config, config.endpoint
        self._again, self._now = zmq.Again, zmq.NOBLOCK
        self._events, self._readable = zmq.EVENTS, zmq.POLLIN
        self._context: Any = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, config.queue)
        self._socket.setsockopt(zmq.MAXMSGSIZE, max(4096, config.limits.payload_bytes))
        self._socket.setsockopt(zmq.RECONNECT_IVL, 100)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
        self._socket.setsockopt(zmq.LINGER, 0)
        try:
            self._guard = attach(self._context, self._socket, config.endpoint, config.bind, config.curve)
        except InputError:
            self._context.destroy(0)
            raise
        self._silence, self._gaps = Silence(self._name, config.silence_s), Gaps(self._name)
        self._checker = Checker() if config.checksum else None
        self._rgb: Frame | None = None

    def take(self, timeout_s: float) -> Taken:
        messages = self._arrived(timeout_s)
        arrived_ns = time.monotonic_ns()
        events = self._silence.look(bool(messages))
        headers: dict[int, Header] = {}
        items: dict[int, SourceFrame | Settled] = {}
        for n, parts in enumerate(messages):
            try:
                header = headers[n] = read_header(parts[0].buffer, self._config.limits)
                events += self._gaps.look(header.run, header.frame_id)
            except WireError as error:
                if error.key is None:
                    events.append(Event("garbage", f"{self._name}: {error.reason}: {error}"))
                else:
                    items[n] = self._rejected(error, error.key)
        has_frame = False
        # Sorting keeps the order of equals: of a frame that came twice, the first is worked on.
        for n in sorted(headers, key=lambda n: -headers[n].exposure_start_ns):
            key = headers[n].key
            if has_frame:
                items[n] = Settled(*key, called(*key), Status.SKIPPED, SUPERSEDED)
                continue
            try:
                items[n] = self._frame(headers[n], messages[n], arrived_ns)
                has_frame = True
            except WireError as error:
                items[n] = self._rejected(error, key)
        return Taken(tuple(items[n] for n in sorted(items)), tuple(events))

    def close(self) -> None:
        if self._guard is not None:
            self._guard.stop()
        if self._checker is not None:
            self._checker.close()
        self._context.destroy(0)

    def _arrived(self, timeout_s: float) -> list[list[Any]]:
        """The messages that have arrived; where there is none, the first that does within the time."""
        if not self._waits() and not (timeout_s > 0 and self._socket.poll(round(timeout_s * 1000))):
            return []
        messages: list[list[Any]] = []
        while len(messages) < _MOST_AT_ONCE and self._waits() and (parts := self._receive()) is not None:
            messages.append(parts)
        return messages

    def _waits(self) -> bool:
        """Whether a whole message waits; to ask costs much less than to try and fail."""
        state = int(self._socket.getsockopt(self._events))
        return bool(state & self._readable)

    def _receive(self) -> list[Any] | None:
        """The parts of one message, no more of them than a frame has and one; None where there is no message."""
        try:
            part = self._socket.recv(self._now, copy=False)
        except self._again:
            return None
        parts = [part]
        while part.more:
            part = self._socket.recv(copy=False)
            if len(parts) < 3:
                parts.append(part)
        return parts

    def _frame(self, header: Header, parts: list[Any], arrived_ns: int) -> SourceFrame:
        if len(parts) > 2:
            raise WireError("wire_payload_length", f"a message of {len(parts)} parts or more, 2 are needed")
        payload = parts[1].buffer if len(parts) == 2 else None
        message = message_of(header, parts[0].buffer, payload, checksum=False)
        if header.pixel_format is PixelFormat.RGB8:
            pixels = to_rgb(message.payload, header)
        else:
            shape = header.height, header.width, 3
            if self._rgb is None or self._rgb.shape != shape:
                self._rgb = np.empty(shape, np.uint8)
            pixels = to_rgb(message.payload, header, self._rgb)
        if self._checker is None:
            return framed(header, arrived_ns, pixels)
        return framed(header, arrived_ns, pixels, self._checker.begin(partial(checksum, message.payload, header)))

    @staticmethod
    def _rejected(error: WireError, key: tuple[bytes, int]) -> Settled:
        return Settled(*key, called(*key), Status.REJECTED, error.reason, str(error))
