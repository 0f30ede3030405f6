"""A compact list of images that something was made from: enough to find one of them again, in a few bytes each."""

from collections.abc import Iterable

from onboard.errors import InputError

_BYTES = 8  # of each SHA-256: among a million images, two share them with a chance of 3 in 100 million


def prefix(sha256: str) -> bytes:
    """What the list keeps of an image file's SHA-256 (64 hexadecimal digits)."""
    return bytes.fromhex(sha256[: 2 * _BYTES])


def pack(digests: Iterable[str]) -> bytes:
    """The list for images with these SHA-256; it depends on neither order nor repetition."""
    return b"".join(sorted({prefix(digest) for digest in digests}))


def unpack(data: bytes, name: str) -> set[bytes]:
    """The prefixes in a list; `name` is what an error calls it.

    Raises:
        InputError: the length is no whole number of prefixes.
    """
    if len(data) % _BYTES:
        raise InputError(f"{name}: {len(data)} bytes are no whole number of image hashes; export the bundle again")
    return {data[start : start + _BYTES] for start in range(0, len(data), _BYTES)}
