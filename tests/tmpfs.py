"""A file system of its own for a test, where mounting one is permitted."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[Path]:
    """A tmpfs at a folder that is made here; the test is skipped where it cannot be mounted.

    Args:
        place: of the folder.
        options: of mount, such as `size=64k`.
    """
    place.mkdir()
    chosen = ["-o", ",".join(options)] if options else []
    mount = ["mount", "-t", "tmpfs", *chosen, "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, timeout=10)
    except OSError:
        pytest.skip("no mount command here")
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True, timeout=10)
