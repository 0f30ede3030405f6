"""What may be set aside at a ring's place. A node has to fly with a damaged ring, but a file of somebody else stays."""

import stat
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from onboard.journal.ring_head import MAGIC, ring_bytes

_BLOCK = 1 << 20


def refuse_foreign(path: Path, records: int, run_slots: int = 64) -> None:
    """Refuse a ring's place where something lies that never was one. What damage leaves of one passes: its first bytes,
    its size, an empty file, nothing but zeros. Nothing is changed.

    Args:
        path: of the ring.
        records, run_slots: what it holds.

    Raises:
        InputError: something else lies there.
        OSError: the place cannot be looked at.
    """
    found = _what_else(path, ring_bytes(records, run_slots))
    if found is not None:
        raise InputError(f"{path}: is {found}, and no journal; set journal.ring to another place, or move it away")


def _what_else(path: Path, size: int) -> str | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return files.kind(found.st_mode)
    if found.st_size == size:
        return None
    with files.open_regular(path) as file:
        block = file.read(_BLOCK)
        if block.startswith(MAGIC):
            return None
        while block:
            if any(block):
                return f"another file, of {found.st_size} bytes"
            block = file.read(_BLOCK)
    return None
