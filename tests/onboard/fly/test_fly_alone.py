"""Two nodes, or a node and a replay, do not write into one place; a node that was killed is not in the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onboard import config as replay
from onboard import image, replay_run, strict_yaml
from onboard.errors import InputError
from onboard.event import Event
from onboard.fly.config import NodeConfig
from onboard.fly.opening import parts_of
from onboard.hold import held
from tests.onboard.fly.conftest import picture

Configured = Callable[..., NodeConfig]


@pytest.mark.parametrize(
    ("shared", "named"),
    [("output.folder", "out"), ("journal.archive", "archive"), ("journal.ring", "ring")],
)
def test_a_second_node_is_refused_before_it_touches_anything(
    configured: Configured, tmp_path: Path, shared: str, named: str
) -> None:
    def using(name: str) -> NodeConfig:
        places: dict[str, Any] = {"output.folder": "out", "journal.archive": "archive", "journal.ring": "ring"}
        own = {key: str(tmp_path / (place if key == shared else name + place)) for key, place in places.items()}
        return configured(**own)

    with parts_of(using("first")):
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / named).rglob("*")}
        with (
            pytest.raises(InputError, match=rf"{tmp_path / named}: process {os.getpid()} .* name another"),
            parts_of(using("second")),
        ):
            pass
        assert {path: path.stat().st_mtime_ns for path in (tmp_path / named).rglob("*")} == before
    with parts_of(using("second")):
        pass


def test_two_nodes_do_not_write_packets_into_one_file(configured: Configured, tmp_path: Path) -> None:
    pytest.importorskip("spacepackets")
    to = {"kind": "file", "path": str(tmp_path / "packets"), "file_mb": 1e-4}
    second = {"output__folder": str(tmp_path / "out2"), "journal__ring": str(tmp_path / "ring2")}
    with parts_of(configured(telemetry={"to": to, "apid": 1})) as parts:
        assert parts.telemetry is not None
        for _ in range(3):  # each as large as a file may be
            parts.telemetry.event(Event("started", "x" * 300), "info", 0)
        end = time.monotonic() + 10
        while not (tmp_path / "packets.1").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        with (
            pytest.raises(InputError, match=f"packets: process {os.getpid()} writes it already"),
            parts_of(configured(telemetry={"to": to, "apid": 1}, **second)),
        ):
            pass


def test_one_folder_may_be_a_nodes_output_and_its_archive(configured: Configured, tmp_path: Path) -> None:
    with parts_of(configured(journal__archive=str(tmp_path / "out"))):
        pass


def test_a_replay_and_a_node_do_not_write_into_one_folder(configured: Configured, small: Path, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    image.write(tmp_path / "frames" / "0.png", picture(0))
    (tmp_path / "frames" / "boxes.csv").write_text("filename,x_min,y_min,x_max,y_max\n0.png,20,20,60,60\n")
    source, output = replay.Source(str(tmp_path / "frames")), replay.Output(str(tmp_path / "out"))
    with (
        parts_of(configured(output__verdicts=False)),
        pytest.raises(InputError, match=f"process {os.getpid()} writes there already"),
    ):
        replay_run.run(replay.FlightConfig(str(small), source, output))
    assert replay_run.run(replay.FlightConfig(str(small), source, output)).complete


def test_a_killed_node_is_not_in_the_way_of_the_next(configured: Configured, tmp_path: Path) -> None:
    config, file = configured(), tmp_path / "kill.yaml"
    file.write_text(strict_yaml.dump(config))
    first = subprocess.Popen([sys.executable, "-m", "onboard", "fly", str(file)], cwd=Path(__file__).parents[3])
    try:
        end = time.monotonic() + 30
        while not (tmp_path / "out" / "node.yaml").exists():
            assert time.monotonic() < end and first.poll() is None
            time.sleep(0.01)
        with pytest.raises(InputError, match=f"process {first.pid} writes there already"), parts_of(config):
            pass
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    with held(tmp_path / "out", "output.folder"):
        pass
