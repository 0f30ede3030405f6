"""A check on pixels that runs beside the loop's work on them, and is asked for before the verdict."""

from collections.abc import Callable

from onboard.helper import Helper
from onboard.messages import Status
from onboard.sources.source import Flaw
from onboard.wire.error import WireError
from onboard.wire.frame import Buffer, Header, check_payload

CHECKER = "checksum"
"""The thread's name."""
Check = Callable[[], Flaw | None]


def checksum(payload: Buffer, header: Header) -> Flaw | None:
    """What the pixels' CRC32 finds."""
    try:
        check_payload(payload, header)
    except WireError as error:
        return Flaw(Status.REJECTED, error.reason, str(error))
    return None


class Checker(Helper[Flaw | None]):
    """Runs one check at a time. zlib lets go of Python's lock, so the loop works meanwhile."""

    def __init__(self) -> None:
        super().__init__(CHECKER)
