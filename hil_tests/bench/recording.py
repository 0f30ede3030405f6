"""Raw recordings: frame messages (docs/wire.md), one behind the other in a file."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from onboard.wire import HEADER_BYTES, Header, Limits, Message, WireError, decode, encode, read_header


def read(path: Path, most: int) -> Iterator[Message]:
    """The first `most` messages of a recording.

    Raises:
        InputError: the file cannot be read, or something in it is no sound message.
    """
    limits = Limits()
    with path.open("rb") as file:
        for n in range(most):
            head = file.read(HEADER_BYTES)
            if not head:
                return
            try:
                yield decode(head, file.read(read_header(head, limits).payload_bytes), limits)
            except WireError as error:
                raise InputError(
                    f"{path}: message {n}: {error} ({error.reason}); a raw recording is made with 'hil_tests record'"
                ) from error


def write(path: Path, messages: Iterable[tuple[Header, bytes]]) -> None:
    """Write a recording, whole or not at all."""
    with files.whole(path) as beside, beside.open("wb") as file:
        for header, payload in messages:
            file.write(encode(header))
            file.write(payload)
