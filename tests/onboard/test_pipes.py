"""Named pipes in a file's place, and a stderr that is closed: nothing waits, nothing fails for want of it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard.errors import InputError
from onboard.fly.command import fly_configured
from onboard.journal.reading import read_ring
from onboard.replay import read_boxes
from onboard.signing import pem
from onboard.telemetry import command as packets


@pytest.mark.parametrize("read", [read_ring, read_boxes, pem, packets._read])
def test_a_named_pipe_is_refused_and_not_waited_for(read: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"pipe: .*a named pipe, not a regular file"):
        read(tmp_path / "pipe")


def test_a_node_needs_no_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(InputError, match=r"flight\.yaml"):  # so it came as far as its configuration
        fly_configured({}, "flight.yaml")
