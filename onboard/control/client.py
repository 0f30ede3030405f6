"""The ground's end of the control socket."""

from typing import Any

import msgspec

from onboard.control.messages import MOST_REPLY_BYTES, Command, Reply
from onboard.errors import InputError
from onboard.sockets import Curve, attach


def ask(endpoint: str, command: Command, timeout_s: float, curve: Curve | None = None) -> Reply:
    """Send one command and wait for its reply.

    Raises:
        InputError: nobody listens there or answers in time, or the endpoint or the keys cannot be used. A command that
            was not answered may have been carried out all the same: ask for the status.
    """
    try:
        import zmq
    except ImportError as error:
        raise InputError("tell: needs pyzmq, which is not installed; pip install 'debris-rider[stream]'") from error
    context: Any = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, MOST_REPLY_BYTES)
    # The command goes to who is there, not to who comes later. (zmq.IMMEDIATE would do the same, but throws away an
    # answer behind which the other side closes.)
    connected = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    try:
        attach(context, socket, endpoint, False, curve)
        if not connected.poll(round(timeout_s * 1000)):
            raise InputError(
                f"{endpoint}: nobody listens there within {timeout_s:g} s; look at 'control.endpoint' of the node and "
                "whether it runs, and at the keys where it has some"
            )
        socket.send(msgspec.json.encode(command), zmq.NOBLOCK)
        if not socket.poll(round(timeout_s * 1000)):
            raise InputError(
                f"{endpoint}: no answer within {timeout_s:g} s; the command may have been carried out: ask for the "
                "status, or give a longer --timeout"
            )
        return msgspec.json.decode(socket.recv(zmq.NOBLOCK), type=Reply)
    except zmq.ZMQError as error:
        raise InputError(f"{endpoint}: the command did not go out ({error.strerror}); try again") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(f"{endpoint}: what answers there is no node of this version ({error})") from error
    finally:
        context.destroy(0)
