"""The verdict message: eight bytes that say what it is, then one JSON object."""

import struct

import msgspec

from onboard.messages import Verdict
from onboard.wire.error import WireError

MAGIC, VERSION = b"DRVD", 1
MOST_BYTES = 1 << 20  # a fused pose network's arrays fit many times
_PREFIX = struct.Struct("<4sHH")
PREFIX_BYTES = _PREFIX.size


def encode(verdict: Verdict) -> bytes:
    """The message; its JSON is the very line of the verdict file."""
    return _PREFIX.pack(MAGIC, VERSION, 0) + msgspec.json.encode(verdict)


def decode(data: bytes | memoryview) -> Verdict:
    """Decode and check a verdict message.

    Raises:
        WireError: for anything that is not a sound message, and for nothing else.
    """
    if not _PREFIX.size < len(data) <= MOST_BYTES:
        raise WireError("wire_size", f"{len(data)} bytes, {_PREFIX.size + 1} to {MOST_BYTES} are taken")
    magic, version, reserved = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise WireError("wire_bad_magic", f"begins with {magic!r}, {MAGIC!r} is needed")
    if version != VERSION or reserved:
        raise WireError("wire_version", f"version {version} ({reserved}), version {VERSION} is read")
    try:
        return msgspec.json.decode(memoryview(data)[_PREFIX.size :], type=Verdict)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError("wire_verdict", f"not a verdict: {error}") from error
