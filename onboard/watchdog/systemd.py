"""Messages to systemd, as sd_notify(3) has them: one datagram each."""

import os
import socket
from collections.abc import Mapping

from onboard.errors import InputError


class Systemd:
    """Tells the service manager how the node is; does nothing where none asked for it.

    Args:
        address: of its socket: a path, or an abstract one that begins with '@'; None: there is none.
        watchdog_s: it ends the process after so long without a stroke; None: it does not.

    Raises:
        InputError: the address is of another kind.
    """

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        if address is not None and address[:1] not in ("/", "@"):
            raise InputError(
                f"NOTIFY_SOCKET: '{address}' is neither a path nor an abstract socket; start the node by a unit such "
                "as configs/debris-rider.service, or without this variable"
            )
        self._address = address and (f"\0{address[1:]}" if address[0] == "@" else address)
        self.watchdog_s = watchdog_s if address else None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)  # a manager that does not listen holds up nothing

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Systemd":
        """As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say.

        Raises:
            InputError: one of them makes no sense.
        """
        period = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if period and not (period.isascii() and period.isdigit() and int(period)):
            raise InputError(f"WATCHDOG_USEC: '{period}' is no number of microseconds; set WatchdogSec in the unit")
        seconds = int(period) / 1e6 if period and meant else None
        return cls(environment.get("NOTIFY_SOCKET") or None, seconds)

    def tell(self, message: str) -> bool:
        """Send `READY=1`, `WATCHDOG=1`, `STATUS=...` or `STOPPING=1`; several are lines. False where nobody took it."""
        if self._address is None:
            return True
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._socket.close()
