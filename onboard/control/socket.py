"""The socket that commands come by, in a thread of its own that never touches the detector nor holds up the loop."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from onboard.control.config import ControlConfig
from onboard.control.desk import Desk
from onboard.control.messages import MOST_COMMAND_BYTES, Reply, UnreadableError, decode
from onboard.errors import InputError
from onboard.event import Events
from onboard.sockets import attach

_LOOK_MS, _BREATH_S, _CLOSE_S = 100, 0.002, 2.0


class ControlSocket:
    """Takes one command after another, and answers each, whatever it was.

    Between two it rests for 2 ms, so that a flood of messages takes little of the processor from the loop; what comes
    meanwhile waits with its sender.

    Args:
        config: endpoint and keys.
        alive: called by its thread again and again.

    Attributes:
        desk: where the loop finds the command that waits.
        events: of messages that are no commands.

    Raises:
        InputError: pyzmq is not installed, or the endpoint or its keys cannot be used.
    """

    def __init__(self, config: ControlConfig, alive: Callable[[], None] = lambda: None) -> None:
        try:
            import zmq
        except ImportError as error:
            raise InputError(
                "control: needs pyzmq, which is not installed; pip install 'debris-rider[stream]'"
            ) from error
        self.desk, self.events = Desk(), Events()
        self._config, self._alive, self._now = config, alive, zmq.NOBLOCK
        self._context: Any = zmq.Context()
        # Not REP: behind a malformed message of a sender that has gone, libzmq's loses the answer to the next one.
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MOST_COMMAND_BYTES)
        self._socket.setsockopt(zmq.RCVHWM, 8)
        self._socket.setsockopt(zmq.SNDHWM, 8)
        self._socket.setsockopt(zmq.LINGER, 200)
        try:
            self._guard = attach(self._context, self._socket, config.endpoint, True, config.curve)
        except InputError:
            self._context.destroy(0)
            raise
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send the answer that is under way, and end."""
        self.desk.close()
        self._ending.set()
        self._thread.join(_CLOSE_S)
        if self._guard is not None:
            self._guard.stop()
        self._context.destroy(200)

    def _serve(self) -> None:
        while not self._ending.is_set():
            self._alive()
            try:
                if not self._socket.poll(_LOOK_MS):
                    continue
                sender, parts = self._receive()
                answer = msgspec.json.encode(self._reply(parts))
                self._socket.send_multipart([sender, b"", answer], self._now)  # dropped where the sender has gone
            except Exception as error:  # whatever it is, the next command is served
                self.events.add("control_garbage", f"{self._config.endpoint}: {error}")
            self._ending.wait(_BREATH_S)

    def _receive(self) -> tuple[bytes, list[bytes]]:
        """The sender's sign, and what it sent: no more parts of it than three."""
        part = self._socket.recv(self._now, copy=False)
        sender = part.bytes
        parts: list[bytes] = []
        while part.more:
            part = self._socket.recv(self._now, copy=False)
            if len(parts) < 3:
                parts.append(part.bytes)
        return sender, parts

    def _reply(self, parts: list[bytes]) -> Reply:
        try:
            if len(parts) != 2 or parts[0]:
                raise UnreadableError("one part behind an empty one is needed, as a REQ socket sends it")
            command = decode(parts[1])
        except UnreadableError as error:
            self.events.add("control_garbage", f"{self._config.endpoint}: {error}")
            return Reply(False, reason="unreadable", error=str(error))
        return self.desk.ask(command, self._config.answer_s)
