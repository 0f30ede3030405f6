"""The offset between two hosts' monotonic clocks, from round trips."""

import struct
import time
from typing import NamedTuple

import zmq

from onboard.errors import InputError
from onboard.sockets import Curve, attach

_NS = struct.Struct("<Q")


class Offset(NamedTuple):
    """The other host's clock less this one's, with the error that the best round trip leaves, in ms."""

    offset_ms: float
    error_ms: float
    rounds: int


def best(rounds: list[tuple[int, int, int]]) -> Offset:
    """From (asked here, read there, answered here) in ns: the shortest round trip says most.

    The other's reading lies somewhere between asking and answer, so half the round trip is the most it can be off.
    """
    asked, there, answered = min(rounds, key=lambda each: each[2] - each[0])
    return Offset((there - (asked + answered) / 2) / 1e6, (answered - asked) / 2e6, len(rounds))


def measure(endpoint: str, curve: Curve | None = None, rounds: int = 200, timeout_s: float = 10.0) -> Offset:
    """Ask the other host's clock.

    Raises:
        InputError: nobody answers there.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, round(timeout_s * 1000))
    try:
        attach(context, socket, endpoint, False, curve)
        found = []
        for _ in range(rounds):
            asked = time.monotonic_ns()
            socket.send(b"")
            there = _NS.unpack(socket.recv())[0]
            found.append((asked, there, time.monotonic_ns()))
        return best(found)
    except (zmq.ZMQError, struct.error) as error:
        raise InputError(
            f"remote.clock: nothing useful from {endpoint} ({error}); start 'python -m hil_tests clock ENDPOINT' there"
        ) from error
    finally:
        context.destroy(0)


def answer_for_ever(endpoint: str, curve: Curve | None = None) -> None:
    """Be the clock that others ask, until Ctrl-C.

    Raises:
        InputError: the endpoint cannot be used.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.REP)
    socket.setsockopt(zmq.LINGER, 0)
    guard = None
    try:
        guard = attach(context, socket, endpoint, True, curve)
        while True:
            socket.recv()
            socket.send(_NS.pack(time.monotonic_ns()))
    finally:
        if guard is not None:
            guard.stop()
        context.destroy(0)
