"""What a start has made, so that it can be put away where the start is refused."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Leftovers:
    """Files and folders that were not there before."""

    def __init__(self) -> None:
        self._made: list[Path] = []

    @contextmanager
    def making(self, *files: Path) -> Iterator[None]:
        """The block makes those of these files that are missing, and the folders that they lie in. Where it fails, only
        the folders are remembered: the files may be another process's."""
        paths = [each.absolute() for each in files]
        absent = [each for each in paths if not _there(each)]
        self._made += {folder for path in paths for folder in path.parents if not _there(folder)}
        yield
        self._made += absent

    def forget(self) -> None:
        """The flight has begun: everything stays."""
        self._made.clear()

    def remove(self) -> None:
        """Remove the files, and the folders that are empty then; what cannot be removed stays."""
        for path in sorted(self._made, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()


def _there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path's own raises below a folder that may not be looked into
