"""Service 1: what became of a request."""

from collections import OrderedDict
from collections.abc import Callable

from onboard.telemetry import layout

SERVICE = 1
ACCEPTED, NOT_ACCEPTED, COMPLETED, NOT_COMPLETED = 1, 2, 7, 8
_MOST_OPEN, _MOST_TEXT, _MOST_REQUEST = 256, 200, 0xFFFFFFFF


def request_id(apid: int, count: int) -> int:
    """The number of a request that came without a space packet of its own: as of a telecommand without a secondary
    header, unsegmented.

    Args:
        apid: of who asks, 0 to 2046.
        count: of requests, of which the 14 lowest bits are taken.
    """
    return (0x1000 | apid) << 16 | 0xC000 | (count & 0x3FFF)


class Verification:
    """Reports on requests. None of its methods waits or raises.

    A request is a number below 2^32: the first four bytes of the telecommand's packet header, or `request_id`'s.

    Args:
        send: takes service, subtype and source data, and raises nothing.
    """

    def __init__(self, send: Callable[[int, int, bytes], None]) -> None:
        self._send = send
        self._open: OrderedDict[int, None] = OrderedDict()

    def accepted(self, request: int) -> None:
        """1/1: it is understood, and will be carried out."""
        self._open[request] = None
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        self._send(SERVICE, ACCEPTED, layout.REQUEST.pack({"request": request & _MOST_REQUEST}))

    def failed(self, request: int, code: int, text: str) -> None:
        """1/8 for one that was accepted, or else 1/2.

        Args:
            request: which.
            code: why, 0 to 65535; the caller's own table.
            text: why, in words; cut at 200 bytes.
        """
        subtype = NOT_ACCEPTED
        if request in self._open:
            del self._open[request]
            subtype = NOT_COMPLETED
        head = layout.FAILED_REQUEST.pack({"request": request & _MOST_REQUEST, "code": code & 0xFFFF})
        self._send(SERVICE, subtype, head + text.encode(errors="replace")[:_MOST_TEXT])

    def completed(self, request: int) -> None:
        """1/7: it has been carried out."""
        self._open.pop(request, None)
        self._send(SERVICE, COMPLETED, layout.REQUEST.pack({"request": request & _MOST_REQUEST}))
