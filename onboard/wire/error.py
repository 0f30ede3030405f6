"""The one error that a malformed message gives."""


class WireError(Exception):
    """A message that cannot be used.

    Attributes:
        reason: a short machine-readable name, such as `wire_payload_crc`; docs/wire.md lists them.
        key: run and id of the frame that it was about, where the header's checksum holds: that frame is then REJECTED,
            while a message without a sound header is no frame, and is counted as garbage.
    """

    def __init__(self, reason: str, message: str, key: tuple[bytes, int] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.key = key
