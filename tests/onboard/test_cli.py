import os
import subprocess
import sys

_PRINTS = "import sys; from onboard import cli; sys.exit(cli.exit_code(lambda: print({!r} * {}) or 0, 'stopped'))"


def _into_a_pipe_that_nobody_reads(letters: int) -> subprocess.CompletedProcess[str]:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-c", _PRINTS.format("x", letters)]
        return subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)


def test_a_reader_that_has_enough_ends_a_command_without_a_word() -> None:
    # Few letters wait in a buffer until the end, many go out at once.
    for letters in (3, 1_000_000):
        ended = _into_a_pipe_that_nobody_reads(letters)
        assert (ended.returncode, ended.stderr) == (141, "")
