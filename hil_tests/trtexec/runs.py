"""A log's text, and the one run in it that is reported."""

import re
from pathlib import Path

from onboard.errors import InputError

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_START = re.compile(r"&&&& RUNNING TensorRT\.trtexec")
_END = re.compile(r"&&&& (?:PASSED|FAILED) TensorRT\.trtexec")


def read_text(path: Path) -> str:
    """The log without colours; UTF-8 or, as PowerShell writes it, UTF-16.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a file saved by trtexec") from error
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return _ANSI.sub("", data.decode("utf-16" if wide else "utf-8-sig", errors="replace"))


def split(text: str, name: str) -> list[list[str]]:
    """The lines of each run, in order.

    Raises:
        InputError: two runs wrote into the file at the same time, so no line can be told to be one's own.
    """
    runs: list[list[str]] = [[]]
    unfinished, ended = 0, False
    for line in text.splitlines():
        if _START.search(line):
            unfinished = 1 if ended else unfinished + 1
            if any(_telling(kept) for kept in runs[-1]):
                runs.append([])
            ended = False
        elif ended and _telling(line) and not _END.search(line):
            runs.append([])
            ended = False
        runs[-1].append(line)
        if _END.search(line):
            if ended and unfinished > 1:
                raise InputError(
                    f"{name}: two runs of trtexec wrote into this file at the same time; give each its own file"
                )
            ended = True
    return runs


def _telling(line: str) -> bool:
    return "&&&& " in line or "=== " in line or "Throughput:" in line
