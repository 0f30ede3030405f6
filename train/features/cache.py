"""Features on disk: memory-mapped, resumable at any row, and checked against the images they came from."""

import hashlib
import os
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from onboard import files, strict_yaml
from onboard.errors import InputError
from train import lock

FORMAT = 3  # to be raised when what a feature means changes without a change of the key's other parts


class FeatureCache:
    """A folder that holds one float32 row for each sample, and the state of each row.

    A row is valid once its `done` flag is set, which happens after its values were written: a killed process leaves
    no row that is half written and counts as done. The image file's hash is kept with each row, and what tells without
    reading it that it is still that file, so that an image that changed is extracted anew.

    Args:
        folder: where caches lie.
        key: all that a feature depends on, besides the images' content: plain data.
        rows: number of samples.
        columns: length of each row.

        shares: whether this process helps another one that holds the cache, so that it takes no lock of its own.

    One process at a time fills a cache, or one group of processes; others wait for it.

    Raises:
        InputError: a file of the cache is damaged, or cannot be written.
    """

    def __init__(self, folder: Path, key: dict[str, Any], rows: int, columns: int, shares: bool = False) -> None:
        name = hashlib.sha256(msgspec.json.encode({"format": FORMAT, **key}, order="deterministic")).hexdigest()[:20]
        self.folder = folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.folder}: the feature cache cannot be made there ({error.strerror}); set 'cache' to a folder "
                "that can be written to"
            ) from error
        self._open = ExitStack()
        if not shares:
            self._open.enter_context(lock.held(self.folder, "feature cache", wait=True))
            described = {k: v for k, v in key.items() if k not in ("samples", "views")}
            files.write_text(self.folder / "key.yaml", strict_yaml.dump({"format": FORMAT, **described}))
        self.features = self._map("features.npy", np.float32, (rows, columns))
        self._done = self._map("done.npy", np.uint8, (rows,))
        self._stat = self._map("file.npy", np.int64, (rows, len(_stat(self.folder))))
        self._digest = self._map("digest.npy", np.uint8, (rows, 16))
        self._check = self._map("check.npy", np.uint32, (rows,))

    def _map(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> np.memmap:
        path = self.folder / name
        try:
            if not path.exists():
                with files.whole(path) as beside:
                    np.lib.format.open_memmap(beside, mode="w+", dtype=dtype, shape=shape).flush()
                    # A full disk shall be an error here, not a crash at some later write to the mapped memory.
                    with beside.open("r+b") as file:
                        os.posix_fallocate(file.fileno(), 0, beside.stat().st_size)
            np.lib.format.open_memmap(path, mode="r")  # refuses a file that is too short, where "r+" fills it up
            mapped = np.lib.format.open_memmap(path, mode="r+")
        except ValueError as error:
            raise InputError(f"{path}: the feature cache is damaged ({error}); remove {self.folder}") from error
        except OSError as error:
            raise InputError(f"{path}: the feature cache cannot be written ({error.strerror}); set 'cache'") from error
        if mapped.shape != shape or mapped.dtype != dtype:
            raise InputError(f"{path}: the feature cache is damaged (shape {mapped.shape}); remove {self.folder}")
        return mapped

    def __enter__(self) -> "FeatureCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mapped in (self.features, self._stat, self._digest, self._check, self._done):
            mapped.flush()
        self._open.close()

    def to_do(self, paths: list[Path]) -> list[int]:
        """The rows that are missing or damaged, or whose image (one path a row) is not the one that was extracted."""
        digests: dict[Path, bytes] = {}
        missing = []
        for row, path in enumerate(paths):
            if not self._done[row] or zlib.crc32(self.features[row].tobytes()) != self._check[row]:
                missing.append(row)
                continue
            now = _stat(path)
            if now == tuple(self._stat[row]):
                continue
            if path not in digests:
                digests[path] = content_digest(path)
            if digests[path] == self._digest[row].tobytes():
                self._stat[row] = now  # copied or touched, not changed
            else:
                self._done[row] = 0
                missing.append(row)
        return missing

    def content(self) -> str:
        """SHA-256 over the hashes of all images, in the rows' order."""
        return hashlib.sha256(self._digest.tobytes()).hexdigest()

    def digests(self, rows: Sequence[int]) -> list[bytes]:
        """The hash of each of these rows' images."""
        return [self._digest[row].tobytes() for row in rows]

    def put(self, row: int, vector: npt.NDArray[np.float32], path: Path, digest: bytes) -> None:
        """Keep a row; its flag is set last."""
        self.features[row] = vector
        self._stat[row] = _stat(path)
        self._check[row] = zlib.crc32(np.ascontiguousarray(vector, np.float32).tobytes())
        self._digest[row] = np.frombuffer(digest, np.uint8)
        self._done[row] = 1


def content_digest(path: Path) -> bytes:
    """16 bytes that change with the file's content."""
    with path.open("rb") as file:
        digest = hashlib.blake2b(digest_size=16)
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _stat(path: Path) -> tuple[int, ...]:
    """What changes with the file. Its size and the time of its content are not enough: archives and images of
    containers give all files one time, and uncompressed pictures have one size."""
    try:
        found = path.stat()
    except OSError:
        return (-1,) * 5
    inode = found.st_ino & 0x7FFF_FFFF_FFFF_FFFF  # unsigned, and beyond what int64 holds on some file systems
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, inode, found.st_dev & 0x7FFF_FFFF_FFFF_FFFF)
