"""The socket that commands come by, in a thread of its own that never touches the detector nor holds up the loop."""

import threading
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

    Attributes:
        desk: where the loop finds the command that waits.
        events: of messages that are no commands.

    Raises:
        InputError: pyzmq is not installed, or the endpoint or its keys cannot be used.
    """

    def __init__(self, config: ControlConfig) -> None:
        try:
            import zmq
        except ImportError as error:
            raise InputError(
                "control: needs pyzmq, which is not installed; pip install 'debris-rider[stream]'"
            ) from error
        self.desk, self.events = Desk(), Events()
        self._config, self._now, self._error = config, zmq.NOBLOCK, zmq.ZMQError
        self._context: Any = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
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
            try:
                if not self._socket.poll(_LOOK_MS):
                    continue
                reply = self._reply(self._receive())
                self._socket.send(msgspec.json.encode(reply), self._now)
            except self._error as error:  # the sender is gone
                self.events.add("control_garbage", f"{self._config.endpoint}: {error}")
            self._ending.wait(_BREATH_S)

    def _receive(self) -> list[bytes]:
        """The parts of a message, no more of them than two."""
        parts: list[bytes] = []
        more = True
        while more:
            part = self._socket.recv(self._now, copy=False)
            more = part.more
            if len(parts) < 2:
                parts.append(part.bytes)
        return parts

    def _reply(self, parts: list[bytes]) -> Reply:
        try:
            if len(parts) != 1:
                raise UnreadableError("a message of several parts; a command is one")
            command = decode(parts[0])
        except UnreadableError as error:
            self.events.add("control_garbage", f"{self._config.endpoint}: {error}")
            return Reply(False, reason="unreadable", error=str(error))
        return self.desk.ask(command, self._config.answer_s)
