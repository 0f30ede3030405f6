"""What the tests of calibration's commands share."""

from collections.abc import Callable

import pytest

from calibration.__main__ import main


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command of `python -m calibration`; gives its exit code, and what it printed on both streams."""

    def run(*arguments: object) -> tuple[int, str]:
        code = main([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        return code, streams.out + streams.err

    return run
