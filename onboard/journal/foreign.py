"""What may be set aside at a ring's place. A node has to fly with a damaged ring, but a file of somebody else stays."""

import stat
from pathlib import Path

from onboard import files

_BLOCK = 1 << 20


def what_else(path: Path, magic: bytes, size: int) -> str | None:
    """What lies at a ring's place and never was a ring, such as `a folder`. None: nothing does, or a ring, or what
    damage leaves of one: its first bytes, its size, an empty file, nothing but zeros.

    Args:
        path: of the ring.
        magic: the first bytes of one.
        size: bytes of one.

    Raises:
        OSError: the place cannot be looked at.
    """
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
        if block.startswith(magic):
            return None
        while block:
            if any(block):
                return f"another file, of {found.st_size} bytes"
            block = file.read(_BLOCK)
    return None
