import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_COMMAND = "import os, socket, sys; from onboard import cli; sys.exit(cli.exit_code(lambda: {} or 0, 'stopped'))"


def _run(action: str, stdout: int, stderr: int, buffered: bool) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    command = [sys.executable, "-c", _COMMAND.format(action)]
    return subprocess.run(command, stdout=stdout, stderr=stderr, text=True, check=False, env=surroundings)


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("letters", [3, 1_000_000])  # few wait in a buffer until the end, many go out at once
def test_a_reader_that_has_enough_ends_a_command_without_a_word(unread: int, letters: int, buffered: bool) -> None:
    ended = _run(f"print('x' * {letters})", unread, subprocess.PIPE, buffered)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_where_nobody_reads_the_errors_what_was_printed_before_stays(unread: int, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        ended = _run("(print('found'), print('x', file=sys.stderr))", out.fileno(), unread, True)
    assert (ended.returncode, (tmp_path / "out").read_text()) == (141, "found\n")


def test_a_pipe_that_is_not_the_reader_s_is_an_error() -> None:
    action = "[pair := socket.socketpair(), pair[0].close(), pair[1].send(b'x')]"
    ended = _run(action, subprocess.PIPE, subprocess.PIPE, True)
    assert (ended.returncode, ended.stderr) == (2, "error: output: Broken pipe\n")


def test_a_full_disk_below_stdout_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        ended = _run("print('x')", full.fileno(), subprocess.PIPE, True)
    assert (ended.returncode, ended.stderr) == (2, "error: output: No space left on device; free some space there\n")
