"""Frames over real sockets: newest first, every frame accounted for, flaws named, senders that come and go."""

import random
import socket as sockets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onboard.errors import InputError
from onboard.messages import Status
from onboard.sockets import Curve, is_local
from onboard.sources import Settled, SourceFrame, Taken, open_source
from onboard.sources.config import StreamConfig
from onboard.wire import HEADER_BYTES, Limits, PixelFormat

zmq = pytest.importorskip("zmq")
RUN, OTHER = b"0123456789abcdef", b"fedcba9876543210"


@pytest.fixture
def context() -> Iterator[Any]:
    made = zmq.Context()
    yield made
    made.destroy(0)


@pytest.fixture
def endpoint(context: Any) -> str:
    """A free port of this host."""
    with context.socket(zmq.PULL) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
    time.sleep(0.05)
    return f"tcp://127.0.0.1:{port}"


def sender(context: Any, endpoint: str, bind: bool = False) -> Any:
    socket = context.socket(zmq.PUSH)
    socket.setsockopt(zmq.LINGER, 2000)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    (socket.bind if bind else socket.connect)(endpoint)
    return socket


def has_frame(taken: Taken) -> bool:
    return any(isinstance(item, SourceFrame) for item in taken.items)


def test_the_newest_is_worked_on_and_the_others_are_named(
    context: Any, endpoint: str, parts: Callable[..., list[bytes]]
) -> None:
    source = open_source(StreamConfig(endpoint, queue=100))
    with sender(context, endpoint) as socket:
        for frame_id in [0, 1, 2, 2, 6]:
            socket.send_multipart(parts(RUN, frame_id))
        late = parts(RUN, 5)
        socket.send_multipart(parts(RUN, 7, PixelFormat.Mono8))
        socket.send_multipart([late[0][:-4] + b"bad!", late[1]])  # its header was altered: no frame
        socket.send_multipart([*parts(RUN, 8), b"a third part"])
        time.sleep(0.2)
        taken = source.take(1.0)
    source.close()
    told = [(item.frame_id, item.status, item.reason) for item in taken.items if isinstance(item, Settled)]
    skipped, rejected = Status.SKIPPED, Status.REJECTED
    assert told == [
        *[(n, skipped, "superseded") for n in [0, 1, 2, 2, 6]],
        (8, rejected, "wire_payload_length"),
    ]
    (frame,) = [item for item in taken.items if isinstance(item, SourceFrame)]
    assert (frame.run, frame.frame_id, frame.box, frame.box_source) == (RUN, 7, (0.0, 0.0, 2.0, 2.0), "detector")
    assert frame.pixels.shape == (3, 4, 3)
    assert (np.asarray(frame.pixels) == 7).all()
    assert frame.flaw() is None
    assert [item.frame_id for item in taken.items] == [0, 1, 2, 2, 6, 7, 8]
    assert sorted(event.name for event in taken.events) == ["gap", "garbage"]


@pytest.mark.parametrize("checked", [True, False])
def test_pixels_that_were_altered_are_told_when_the_work_on_them_is_done(
    context: Any, endpoint: str, parts: Callable[..., list[bytes]], checked: bool
) -> None:
    source = open_source(StreamConfig(endpoint, checksum=checked))
    flaws = []
    with sender(context, endpoint) as socket:
        for frame_id in range(3):
            head, payload = parts(RUN, frame_id)
            socket.send_multipart([head, b"x" + payload[1:] if frame_id == 1 else payload])
            (frame,) = source.take(1.0).items
            assert isinstance(frame, SourceFrame)
            flaws.append(frame.flaw)
        found = [flaw() for flaw in flaws]
    source.close()
    assert [flaw and (flaw.status, flaw.reason) for flaw in found] == [
        None,
        (Status.REJECTED, "wire_payload_crc") if checked else None,
        None,
    ]


@pytest.mark.parametrize("bind", [True, False], ids=["the node waits", "the sender waits"])
def test_a_sender_that_goes_and_comes_back(
    context: Any, endpoint: str, parts: Callable[..., list[bytes]], until: Callable[..., Taken], bind: bool
) -> None:
    source = open_source(StreamConfig(endpoint, bind=bind, silence_s=0.2))
    with sender(context, endpoint, not bind) as socket:
        socket.send_multipart(parts(RUN, 0))
        until(source, has_frame)
    lost = until(source, lambda taken: bool(taken.events))
    assert [event.name for event in lost.events] == ["source_lost"]
    with sender(context, endpoint, not bind) as socket:
        socket.send_multipart(parts(OTHER, 0))
        back = until(source, has_frame)
    source.close()
    assert [event.name for event in back.events] == ["source_back"]
    assert back.items[-1].run == OTHER


def test_noise_is_garbage_and_the_next_frame_is_taken(
    context: Any, endpoint: str, parts: Callable[..., list[bytes]], until: Callable[..., Taken]
) -> None:
    source = open_source(StreamConfig(endpoint, limits=Limits(100, 100, 10_000), queue=1000))
    draw = random.Random(0)
    with sender(context, endpoint) as socket:
        for n in range(300):
            size = draw.choice([0, 1, HEADER_BYTES - 1, HEADER_BYTES, 500])
            noise = [draw.randbytes(size) for _ in range(draw.randint(1, 5))]
            if n % 3 == 0:  # noise in the middle of something sound
                whole = bytearray(b"".join(parts(RUN, n)))
                whole[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
                noise = [bytes(whole[:HEADER_BYTES]), bytes(whole[HEADER_BYTES:])]
            socket.send_multipart(noise)
        socket.send_multipart(parts(RUN, 1000))
        taken = until(source, lambda taken: any(item.frame_id == 1000 for item in taken.items))
    assert [event.name for event in taken.events if event.name != "gap"].count("garbage") + len(taken.items) == 301
    source.close()


def test_a_message_over_the_limit_does_not_reach_the_node(
    context: Any, endpoint: str, parts: Callable[..., list[bytes]], until: Callable[..., Taken]
) -> None:
    source = open_source(StreamConfig(endpoint, limits=Limits(100, 100, 10_000)))
    with sender(context, endpoint) as socket:
        socket.send_multipart([parts(RUN, 0)[0], bytes(1_000_000)])
        assert source.take(0.3) == Taken()
    with sender(context, endpoint) as socket:
        socket.send_multipart(parts(RUN, 1))
        assert until(source, has_frame).items[-1].frame_id == 1
    source.close()


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.0.2.1:5555", "tcp://[::]:5555"])
def test_beyond_this_host_keys_are_needed(endpoint: str) -> None:
    for bind in (True, False):
        with pytest.raises(InputError, match="needs keys"):
            open_source(StreamConfig(endpoint, bind=bind))


def test_what_is_local() -> None:
    assert all(map(is_local, ["tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1", "ipc:///run/x"]))
    for odd in ["", "tcp://127.0.0.1", "udp://127.0.0.1:1", "tcp://1.2.3.4:1;127.0.0.1:2", "tcp://127.0.0.1:99999"]:
        with pytest.raises(InputError):
            is_local(odd)


@pytest.mark.parametrize("admitted", [True, False])
def test_only_admitted_keys_come_in(
    context: Any, endpoint: str, parts: Callable[..., list[bytes]], tmp_path: Path, admitted: bool
) -> None:
    from zmq.auth import create_certificates, load_certificate

    (tmp_path / "peers").mkdir()
    node, node_secret = create_certificates(tmp_path, "node")
    create_certificates(tmp_path / "peers", "camera")
    create_certificates(tmp_path, "stranger")
    source = open_source(StreamConfig(endpoint, curve=Curve(node_secret, str(tmp_path / "peers"))))
    with sender(context, "inproc://nothing", bind=True) as socket:
        whose = tmp_path / ("peers/camera" if admitted else "stranger")
        socket.curve_publickey, socket.curve_secretkey = load_certificate(whose.with_suffix(".key_secret"))
        socket.curve_serverkey = load_certificate(node)[0]
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(endpoint)
        socket.send_multipart(parts(RUN, 0))
        taken = source.take(1.0)
    source.close()
    assert has_frame(taken) is admitted


@pytest.mark.parametrize("name", ["peers/camera", "stranger"])
def test_nobody_comes_in_where_nothing_checks_the_keys(
    context: Any, endpoint: str, parts: Callable[..., list[bytes]], tmp_path: Path, name: str
) -> None:
    """libzmq's own way, where the thread that checks them has died, is to let in whoever knows the node's key."""
    from zmq.auth import create_certificates, load_certificate
    from zmq.utils.monitor import recv_monitor_message

    (tmp_path / "peers").mkdir()
    node, node_secret = create_certificates(tmp_path, "node")
    create_certificates(tmp_path / "peers", "camera")
    create_certificates(tmp_path, "stranger")
    source = open_source(StreamConfig(endpoint, curve=Curve(node_secret, str(tmp_path / "peers"))))
    source._guard.stop()  # type: ignore[attr-defined]
    source._guard = None  # type: ignore[attr-defined]
    end = time.monotonic() + 5
    while not _takes_the_place_of_its_socket(source._context) and time.monotonic() < end:  # type: ignore[attr-defined]
        time.sleep(0.01)
    seen: set[int] = set()
    with closing(source), context.socket(zmq.PUSH) as socket:
        monitor = socket.get_monitor_socket()
        socket.curve_publickey, socket.curve_secretkey = load_certificate((tmp_path / name).with_suffix(".key_secret"))
        socket.curve_serverkey = load_certificate(node)[0]
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.HANDSHAKE_IVL, 2000)  # should the node leave the connection open, and not answer
        socket.connect(endpoint)
        ends = {zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED}
        while not seen & ends and monitor.poll(10_000):
            seen.add(recv_monitor_message(monitor)["event"])
        socket.disable_monitor()
    assert seen & ends and zmq.EVENT_HANDSHAKE_SUCCEEDED not in seen


def _takes_the_place_of_its_socket(context: Any) -> bool:
    """Whether the thread's own socket, which lingers, is gone: until then a handshake waits for its answer."""
    with context.socket(zmq.REP) as socket:
        try:
            socket.bind("inproc://zeromq.zap.01")
        except zmq.ZMQError:
            return False
        socket.unbind("inproc://zeromq.zap.01")
        return True


def test_the_loopback_of_ipv6_is_one(
    context: Any, parts: Callable[..., list[bytes]], until: Callable[..., Taken]
) -> None:
    try:
        with sockets.socket(sockets.AF_INET6, sockets.SOCK_STREAM) as free:
            free.bind(("::1", 0))
            port = free.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 on this host's loopback")
    with closing(open_source(StreamConfig(f"tcp://[::1]:{port}"))) as source, context.socket(zmq.PUSH) as socket:
        socket.setsockopt(zmq.IPV6, 1)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"tcp://[::1]:{port}")
        socket.send_multipart(parts(RUN, 0))
        assert until(source, has_frame).items[-1].frame_id == 0
