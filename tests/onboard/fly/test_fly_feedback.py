"""An event of a loss that is lost itself causes no other: with `event_s: 0` the node would talk to itself for ever."""

import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onboard.event import Event, Events
from onboard.fly.config import NodeConfig
from onboard.fly.event_log import EventLog
from onboard.fly.line_file import LineFile
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.storage import Storage

Configured = Callable[..., NodeConfig]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes the disk full for one file."""
    real = os.write

    def made(path: Path) -> None:
        def write(file: int, data: bytes) -> int:
            if os.path.samestat(os.fstat(file), path.stat()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(file, data)

        monkeypatch.setattr(os, "write", write)

    return made


def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        return int(closed.getsockname()[1])


@pytest.mark.parametrize("to", ["closed port", "full disk"])
def test_a_node_without_frames_grows_quiet(
    configured: Configured, tmp_path: Path, full: Callable[[Path], None], to: str
) -> None:
    pytest.importorskip("spacepackets")
    where: dict[str, Any] = {"kind": "udp", "host": "127.0.0.1", "port": port()}
    if to == "full disk":
        where = {"kind": "file"}
    config = configured(telemetry={"to": where, "apid": 9}, output__event_s=0)
    with parts_of(config) as parts:
        loop, lost = Loop(parts), "telemetry_dropped"
        if to == "full disk":
            lost = "output_lost"
            full(tmp_path / "out" / "telemetry.bin")
        parts.events.add("gap", "to be told")
        end, quiet, before = time.monotonic() + 20, 0, -1
        while quiet < 10:  # turns without an event
            assert time.monotonic() < end
            loop.turn(0.05)
            now = sum(parts.log.counts.values())
            quiet, before = quiet + 1 if now == before else 0, now
        assert parts.log.counts[lost] >= 1
        assert parts.telemetry is not None and parts.telemetry.state()["dropped"] >= 3


@pytest.mark.parametrize("why", ["no space", "too slow"])
def test_a_lost_line_that_tells_of_a_loss_is_counted_and_not_told(
    tmp_path: Path, full: Callable[[Path], None], why: str
) -> None:
    storage, events = Storage(100 if why == "no space" else 0), Events()
    file = LineFile(storage, tmp_path / "lines.jsonl", 1000, events)
    if why == "no space":
        full(tmp_path / "lines.jsonl")
    EventLog(file, 0.0).write([Event("gap", "a loss"), Event("output_lost", "told"), Event("telemetry_dropped", "too")])
    storage.close()
    file.close()
    assert (file.dropped, [event.name for event in events.take()]) == (3, ["output_lost"])
