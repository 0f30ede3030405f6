"""Files read from storage again, a slice at a time, for their hashes: what a reload would find is known before it."""

import hashlib
import os
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from onboard import files as storage
from onboard.event import Events

Files = Mapping[Path, str | None]
"""Files and their SHA-256; None: what the first pass finds is what it has to stay."""


class Scrub:
    """Goes over files again and again.

    Args:
        files: to begin with.
        slice_bytes: that are read at a time.
        period_s: that a pass takes.
        events: told `scrub_failed`, in each pass, of a file that differs from its hash or cannot be read.

    Attributes:
        passes: that were ended.
        failed: files in the last one, with what was found.
    """

    def __init__(self, files: Files, slice_bytes: int, period_s: float, events: Events) -> None:
        self._slice_bytes, self._period_s, self._events = slice_bytes, period_s, events
        self.passes = 0
        self.failed: dict[str, str] = {}
        self._files = files
        self._slices = self._pass(files, {})

    def watch(self, files: Files) -> None:
        """Go over these from the next slice on, if they are others; may be called from another thread."""
        if files != self._files:
            self._files = files
            self._slices = self._pass(files, {})

    def step(self) -> float:
        """Read the next slice; gives the seconds until the one after it is due."""
        next(self._slices)
        return self._pause_s

    def _pass(self, files: Files, first: dict[Path, str]) -> Iterator[None]:
        """One pass after another, without end."""
        while True:
            self._pause_s = self._period_s / max(1, sum(map(self._slices_of, files)))
            failed = {}
            for path, hashed in files.items():
                found, wrong = yield from self._hash(path)
                wanted = hashed or first.get(path)
                if wrong is None and wanted is None:
                    first[path] = found
                elif wrong is not None or found != wanted:
                    failed[str(path)] = wrong or found
                    self._tell(path, wanted, wrong or f"is {found}")
            self.failed = failed
            self.passes += 1
            if not files:
                yield

    def _hash(self, path: Path) -> Generator[None, None, tuple[str, str | None]]:
        """The SHA-256 of a file, and why there is none."""
        digest, at = hashlib.sha256(), 0
        try:
            with storage.open_regular(path, 0) as file:
                while True:
                    # Without this the kernel's memory would be read again, not the storage.
                    os.posix_fadvise(file.fileno(), at, self._slice_bytes, os.POSIX_FADV_DONTNEED)
                    data = file.read(self._slice_bytes)
                    digest.update(data)
                    at += len(data)
                    yield
                    if not data:
                        return digest.hexdigest(), None
        except OSError as error:
            yield
            return "", f"cannot be read ({error.strerror})"

    def _tell(self, path: Path, wanted: str | None, found: str) -> None:
        should = "" if wanted is None else f", should be {wanted}"
        safe = "what is in memory flies on and cannot be reloaded: put the file back"
        self._events.add("scrub_failed", f"{path}: its SHA-256 {found}{should}; {safe}")

    def _slices_of(self, path: Path) -> int:
        try:
            return -(-path.stat().st_size // self._slice_bytes) + 1  # the last one finds the end
        except OSError:
            return 1
