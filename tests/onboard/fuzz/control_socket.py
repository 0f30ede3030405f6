"""Whatever is thrown at the control socket of a real node: it flies on, and answers a valid command afterwards."""

import socket
from typing import Any

import msgspec
import zmq
from hypothesis import strategies as st

from onboard.control.messages import MOST_COMMAND_BYTES, Reply, Resume, Status
from tests.onboard.control.node import Node, until
from tests.onboard.fuzz.surfaces import Surface, command_bytes

_CHECKED_EVERY, _ANSWER_MS = 25, 5000

# Over a plain connection: what ZeroMQ's own protocol (ZMTP) gets to read.
_GREETING = bytes.fromhex("ff00000000000000017f0300") + b"NULL" + bytes(48)
PLAIN = st.binary(max_size=300) | st.builds(lambda more: _GREETING + more, st.binary(max_size=300))
PARTS = st.lists(st.binary(max_size=100) | st.just(b"") | st.just(bytes(MOST_COMMAND_BYTES)), min_size=1, max_size=8)
TOO_LARGE = st.integers(MOST_COMMAND_BYTES + 1, 4 * MOST_COMMAND_BYTES).map(bytes)


def control_socket(node: Node) -> Surface:
    """Commands and near-commands, many parts, messages over the limit, and bytes that are not even ZeroMQ's."""
    inputs = st.one_of(
        command_bytes().map(lambda data: ("parts", [b"", data])),
        PARTS.map(lambda parts: ("parts", parts)),
        PARTS.map(lambda parts: ("parts", [b"", *parts])),
        TOO_LARGE.map(lambda data: ("parts", [b"", data])),
        PLAIN.map(lambda data: ("plain", [data])),
    )
    taken = 0

    def take(item: tuple[str, list[bytes]]) -> bool:
        nonlocal taken
        kind, parts = item
        believed = _plain(node, parts[0]) if kind == "plain" else _sent(node, parts)
        taken += 1
        if taken % _CHECKED_EVERY == 0:
            check(node)
        return believed

    return Surface(inputs, take)


def check(node: Node) -> None:
    """It flies, answers, and judges frames again when it is told to."""
    assert node.flying, node.error
    assert node.tell(Resume()).ok
    before = node.answered()
    until(lambda: node.answered() > before)
    assert node.tell(Status()).ok


def _plain(node: Node, data: bytes) -> bool:
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(5)
        plain.connect(node.endpoint.removeprefix("ipc://"))
        plain.sendall(data)
    return False


def _sent(node: Node, parts: list[bytes]) -> bool:
    """Send a message; gives whether it was carried out. What is not too large has an answer, whatever it is."""
    with zmq.Context.instance().socket(zmq.DEALER) as sender:
        sender.linger = 50
        sender.connect(node.endpoint)
        sender.send_multipart(parts)
        if max(map(len, parts)) > MOST_COMMAND_BYTES:
            return False
        assert sender.poll(_ANSWER_MS), "no answer"
        empty, *rest = sender.recv_multipart()
    reply: Any = msgspec.json.decode(rest[0], type=Reply)
    assert (empty, len(rest)) == (b"", 1)
    assert reply.ok or reply.reason in ("unreadable", "refused")
    return bool(reply.ok)
