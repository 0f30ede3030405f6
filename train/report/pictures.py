"""PNG files, checked and put into the page itself."""

import base64
import zlib
from pathlib import Path

from onboard.errors import InputError
from train.report.markup import escape

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def embed(path: Path, described: str, remedy: str) -> str:
    """An <img> that holds the file's bytes.

    Args:
        path: a PNG file.
        described: what can be seen, for those who cannot.
        remedy: what to do where the file cannot be used.

    Raises:
        InputError: the file is missing, or is no whole PNG file; a browser would show a gap and say nothing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    size = _size(data)
    if size is None:
        raise InputError(f"{path}: damaged, or not a PNG file; {remedy}")
    encoded = base64.b64encode(data).decode("ascii")
    # The size is said so that the page does not jump while it loads.
    return f'<img src="data:image/png;base64,{encoded}" width="{size[0]}" height="{size[1]}" alt="{escape(described)}">'


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG file whose chunks are all there and unharmed; else None."""
    if not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        return None
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunk, check = data[at + 4 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if int.from_bytes(check, "big") != zlib.crc32(chunk) or len(check) < 4:
            return None
        if chunk[:4] == b"IEND":
            return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        at += 12 + length
    return None
