"""What travels between a camera or a bench and the node: the frame message and the verdict message (docs/wire.md)."""

from onboard.wire.error import WireError
from onboard.wire.formats import PixelFormat
from onboard.wire.frame import (
    BOX_SOURCES,
    HEADER_BYTES,
    VERSION,
    Header,
    Limits,
    Message,
    decode,
    encode,
    message_of,
    read_header,
)

__all__ = [
    "BOX_SOURCES",
    "HEADER_BYTES",
    "VERSION",
    "Header",
    "Limits",
    "Message",
    "PixelFormat",
    "WireError",
    "decode",
    "encode",
    "message_of",
    "read_header",
]
