"""One packet a datagram. Nothing here waits: what the network does not take is dropped and counted."""

import socket

from onboard.errors import InputError
from onboard.event import Events
from onboard.telemetry.config import UdpConfig


class UdpLink:
    """Sends packets to one address.

    Args:
        config: which.
        events: told of packets that were dropped.

    Attributes:
        dropped: packets that are known not to have arrived: nobody has the port open, or there is no way there. What
            a network loses on its way is seen by gaps in the sequence counts alone.

    Raises:
        InputError: the address cannot be used.
    """

    def __init__(self, config: UdpConfig, events: Events) -> None:
        self._before_tells_loss = False
        self.dropped, self._events, self._name = 0, events, f"{config.host}:{config.port}"
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                config.host, config.port, type=socket.SOCK_DGRAM, proto=socket.IPPROTO_UDP
            )[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.connect(address)  # so that a closed port is told of
        except OSError as error:
            raise InputError(f"telemetry.to: {self._name} cannot be used ({error.strerror})") from error

    def send(self, packet: bytes, tells_loss: bool = False) -> None:
        """Send a packet, or count it.

        Args:
            packet: one datagram.
            tells_loss: whether it is one of the events `LOSSES`, whose own loss no event tells.
        """
        before, self._before_tells_loss = self._before_tells_loss, tells_loss
        try:
            self._socket.send(packet)
        except ConnectionRefusedError as error:  # which is the answer to the packet before; this one has not been sent
            self._lost(error, before)
            self._once_more(packet, tells_loss)
        except OSError as error:
            self._lost(error, tells_loss)

    def close(self) -> None:
        self._socket.close()

    def _once_more(self, packet: bytes, tells_loss: bool) -> None:
        try:
            self._socket.send(packet)
        except OSError as error:
            self._lost(error, tells_loss)

    def _lost(self, error: OSError, tells_loss: bool) -> None:
        self.dropped += 1
        if not tells_loss:
            self._events.add("telemetry_dropped", f"{self._name}: {error.strerror}; the journal has the records")
