"""The image files below a folder, found by name whatever their ending and case."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})


class Images:
    """An index of image files: one listing of the folders instead of a look-up on disk per label row."""

    def __init__(self, root: Path, folders: Iterable[str]) -> None:
        """List the images below each of `folders` (POSIX paths below `root`); absent folders hold none."""
        self.keys: set[str] = {key for folder in sorted(set(folders)) for key in _walk(root, folder)}
        self._by_stem: dict[str, str] = {}
        for key in sorted(self.keys, reverse=True):  # of several that match, the first by name is taken
            self._by_stem[_stem(key)] = key

    def find(self, key: str) -> str | None:
        """The image that a label file's `key` means, or None.

        Copies of SPARK are about whose label file says `.png` where the images are `.jpg`; so where the very
        file is absent, one with another image ending (or another case) is taken.
        """
        return key if key in self.keys else self._by_stem.get(_stem(key))


def _walk(root: Path, folder: str) -> Iterator[str]:
    # Folders of large sets are often links to another disk.
    for parent, folders, files in os.walk(root / folder, followlinks=True):
        folders.sort()
        below = Path(parent).relative_to(root).as_posix()
        for name in files:
            # "._image.jpg": what macOS leaves beside every file on a foreign disk
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield f"{below}/{name}"


def _stem(key: str) -> str:
    head, dot, suffix = key.rpartition(".")
    return (head if dot and f".{suffix.lower()}" in SUFFIXES else key).casefold()
