"""Sockets that stay on this host unless they have keys."""

import ipaddress
import re
import socket as sockets
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from onboard.errors import InputError

if TYPE_CHECKING:
    import zmq
    from zmq.auth.thread import ThreadAuthenticator

_DOMAIN = "debris-rider"
_TCP = re.compile(r"^tcp://(?:\[(?P<six>[0-9a-fA-F:]+)\]|(?P<host>[^:;\[\]/]+)):(?P<port>[0-9]+)$")


class Curve(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """CURVE keys, as `python -m zmq.auth.certs`-style files that `zmq.auth.create_certificates` writes.

    Attributes:
        own_secret: this side's `.key_secret` file.
        peers: a waiting (binding) side: folder with the `.key` files of those who may come; a connecting side: the
            `.key` file of the one that waits.
    """

    own_secret: str
    peers: str


def is_local(endpoint: str) -> bool:
    """Whether an endpoint can be reached from this host only.

    Raises:
        InputError: it is neither tcp://HOST:PORT nor ipc://PATH.
    """
    if endpoint.startswith("ipc://") and len(endpoint) > len("ipc://"):
        return True
    match = _TCP.match(endpoint)
    if match is None or int(match["port"]) > 65535:
        raise InputError(f"endpoint: '{endpoint}' is not allowed: tcp://HOST:PORT or ipc:///PATH is needed")
    host = match["six"] or match["host"]
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, or * for every interface
        return False


def attach(
    context: "zmq.Context[zmq.Socket[bytes]]",
    socket: "zmq.Socket[bytes]",
    endpoint: str,
    bind: bool,
    curve: Curve | None,
) -> "ThreadAuthenticator | None":
    """Bind or connect a socket, encrypted where there are keys.

    Returns:
        What checks the peers' keys, to be stopped with the socket; None where nothing does.

    Raises:
        InputError: the endpoint leaves this host and there are no keys; a key file or the endpoint cannot be used;
            another process waits at it.
    """
    import zmq

    if curve is None and not is_local(endpoint):
        raise InputError(
            f"endpoint: {endpoint} can be reached from other hosts, which needs keys: set 'curve', make the files with "
            "zmq.auth.create_certificates, or keep to 127.0.0.1"
        )
    if bind and _somebody_waits(endpoint):
        raise InputError(f"endpoint: {endpoint} cannot be used (another process waits there); name another one")
    if endpoint.startswith("tcp://["):  # libzmq speaks IPv4 alone where it is not told
        socket.setsockopt(zmq.IPV6, 1)
    guard = None if curve is None else _lock(context, socket, bind, curve)
    try:
        if bind:
            socket.bind(endpoint)
        else:
            socket.connect(endpoint)
    except zmq.ZMQError as error:
        if guard is not None:
            guard.stop()
        raise InputError(f"endpoint: {endpoint} cannot be used ({error.strerror}); name another one") from error
    return guard


def _somebody_waits(endpoint: str) -> bool:
    """Whether a process waits at an ipc endpoint: libzmq would take its place away from it, unsaid."""
    path = endpoint.removeprefix("ipc://")
    if path == endpoint or path.startswith("@"):  # libzmq itself refuses those that are taken
        return False
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(path)
        except BlockingIOError:  # so many wait there already
            return True
        except (OSError, ValueError):
            return False
    return True


def _lock(
    context: "zmq.Context[zmq.Socket[bytes]]", socket: "zmq.Socket[bytes]", bind: bool, curve: Curve
) -> "ThreadAuthenticator | None":
    import zmq
    from zmq.auth.thread import ThreadAuthenticator

    public, secret = _keys(Path(curve.own_secret))
    if secret is None:
        raise InputError(f"{curve.own_secret}: holds no secret key; the .key_secret file is needed (curve.own_secret)")
    socket.curve_publickey, socket.curve_secretkey = public, secret
    peers = Path(curve.peers)
    if not bind:
        socket.curve_serverkey = _keys(peers)[0]
        return None
    if not peers.is_dir() or not any(peers.glob("*.key")):
        raise InputError(f"{peers}: a folder with the .key files of those who may connect is needed (curve.peers)")
    socket.curve_server = True
    # Without both, libzmq lets in whoever knows the public key where nobody checks keys: that thread may have died.
    socket.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN.encode())
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    guard = ThreadAuthenticator(context)
    guard.start()
    guard.configure_curve(domain=_DOMAIN, location=str(peers))
    return guard


def _keys(path: Path) -> tuple[bytes, bytes | None]:
    from zmq.auth import load_certificate

    try:
        return load_certificate(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a CURVE key file ({error}); zmq.auth.create_certificates writes them") from error
