"""Steps of a long command on disk, a line each: stopped or killed and started again, it goes on behind the last."""

import fcntl
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from onboard.errors import InputError

T = TypeVar("T")
S = TypeVar("S")
_BLOCK = 32  # frames between two lines: a second or two of work


class Journal:
    """What a command has found so far.

    Args:
        path: of the file; is made where it is missing.
        asked: all that the steps depend on: graph, data, settings, libraries. What was found for anything else is
            dropped, and the command says so.

    Raises:
        InputError: another process is at the same, or the file is damaged.
    """

    def __init__(self, path: Path, asked: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a+b", buffering=0)
        try:
            self._steps = self._opened(asked)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:  # done: the next run is to find everything anew
            self.path.unlink(missing_ok=True)
        self._file.close()

    def once(self, step: str, kind: type[T], find: Callable[[], T]) -> T:
        """What a step finds, from the file where it was done before.

        Args:
            step: its name, of its own within the command.
            kind: of what it finds; something that JSON holds without loss.
            find: does it.
        """
        if step not in self._steps:
            self._add([step, find()])
        return msgspec.convert(self._steps[step], kind)

    def in_blocks(
        self, step: str, items: Sequence[S], kind: type[T], find: Callable[[Sequence[S]], list[T]]
    ) -> list[T]:
        """What a step finds in many items, some at a time; see `once`."""
        found: list[T] = []
        for start in range(0, len(items), _BLOCK):
            some = items[start : start + _BLOCK]
            found += self.once(f"{step} {start}", list[kind], partial(find, some))  # type: ignore[valid-type]
        return found

    def _add(self, line: list[Any]) -> None:
        encoded = msgspec.json.encode(line)
        append(self._file, self.path, encoded + b"\n")
        # What comes from the file and what was just found must be the same to the last bit, so both are decoded.
        step, found = msgspec.json.decode(encoded)
        self._steps[step] = found

    def _opened(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{self.path}: another process is at this; wait for it, or give another --cache"
            ) from error
        key = hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()
        self._file.seek(0)
        lines = whole_lines(self._file.read())
        try:
            found = dict(msgspec.json.decode(line, type=tuple[str, Any]) for line in lines)
        except msgspec.DecodeError as error:
            raise InputError(f"{self.path}: damaged ({error}); remove it, and the command starts afresh") from error
        if lines and found.get("asked") == key:
            self._file.truncate(sum(len(line) + 1 for line in lines))  # but for a line that was being written
            print(f"{self.path}: goes on where it was stopped, {len(found) - 1} steps were done")
            return found
        if lines:
            print(f"{self.path}: what was stopped had other arguments, data or libraries: starts afresh")
        self._file.truncate(0)
        append(self._file, self.path, msgspec.json.encode(["asked", key]) + b"\n")
        return {}


def append(file: RawIOBase, path: Path, line: bytes) -> None:
    """Write a whole line to an unbuffered file; a buffer would try again when it closes, and hide the first error.

    Raises:
        InputError: the disk is full, or fails.
    """
    try:
        while line:
            line = line[file.write(line) :]
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); make room, and start again: what was found is kept"
        ) from error


def whole_lines(data: bytes) -> list[bytes]:
    """The lines of a file but the last, where the process was killed while it wrote that."""
    return data.split(b"\n")[:-1]
