"""Each part of a real node is made to hang in turn: the stroke on a real socket stops, and comes back with the part."""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper

from onboard import strict_yaml
from onboard.control.client import ask
from onboard.control.messages import Command, Pause, decode
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop, Parts
from onboard.fly.opening import parts_of
from onboard.fly.watching import watched
from onboard.journal.archive import Archive
from onboard.sources.camera import CameraSource
from onboard.sources.ring_writer import RingWriter
from onboard.watchdog import Systemd
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import message, picture, with_extra
from tests.onboard.fly.conftest import small as small
from tests.onboard.fly.conftest import stuck as stuck

REPOSITORY = Path(__file__).parents[3]
RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]
FAST = {"period_s": 0.02, "hung_after": 5} | dict.fromkeys(("loop_s", "source_s", "storage_s", "archive_s"), 0.4)


class Manager:
    """The service manager's end of the socket, read without a pause: the kernel keeps ten messages."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._lines: list[str] = []
        self._seen = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def heard(self, for_s: float) -> list[str]:
        """The lines that come in this time."""
        before = len(self._lines)
        time.sleep(for_s)
        return self._lines[before:]

    def wait_for(self, wanted: str, most_s: float = 10.0) -> None:
        """Until there is such a line behind the one that was waited for before."""
        until = time.monotonic() + most_s
        while time.monotonic() < until:
            while self._seen < len(self._lines):
                self._seen += 1
                if wanted in self._lines[self._seen - 1]:
                    return
            time.sleep(0.005)
        raise AssertionError(f"no {wanted} in {most_s} s")

    def _read(self) -> None:
        while data := self.socket.recv(4096):
            self._lines += data.decode().splitlines()


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    address = f"@debris-rider-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    made = Manager(address)
    yield made
    Systemd(address).tell("")  # ends the reader
    made.reader.join(5.0)
    made.socket.close()


@contextmanager
def flown(config: NodeConfig) -> Iterator[Parts]:
    """A node whose loop has a thread of its own, so that the test may go on when it hangs."""
    stop = threading.Event()
    with parts_of(config) as parts, watched(parts) as alive:
        loop = threading.Thread(target=lambda: Loop(parts).run(stop.is_set, alive), daemon=True)
        loop.start()
        yield parts
        stop.set()
        loop.join(10.0)


def told(config: NodeConfig) -> set[tuple[str, str]]:
    lines = (Path(config.output.folder) / "events.jsonl").read_text().splitlines()
    return {(each["level"], each["event"]) for each in map(json.loads, lines) if each["event"].startswith("part_")}


def assert_stops(manager: Manager, part: str) -> None:
    manager.wait_for(f"part_late: no answer from {part} ")
    manager.wait_for(f"part_hung: no answer from {part} ")
    assert manager.heard(0.2) == []


def read_to_the_end(pipe: int) -> None:
    os.set_blocking(pipe, True)
    while os.read(pipe, 1 << 16):
        pass


HUNG = {("warning", "part_late"), ("fatal", "part_hung")}


def test_a_loop_that_hangs_in_its_source_stops_the_stroke(
    configured: Configured, tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, comes = tmp_path / "frames", threading.Event()
    frames.mkdir()
    (frames / "boxes.csv").write_text("filename,x_min,y_min,x_max,y_max\n0.png,20,20,60,60\n")
    (frames / "0.png").touch()

    def read(*_: object) -> None:
        comes.wait(20)
        raise InputError("the disk has come back without it")

    monkeypatch.setattr("onboard.image.read", read)
    config = configured(source={"kind": "folder", "folder": str(frames)}, watchdog=FAST)
    with flown(config):
        manager.wait_for("READY=1")
        assert_stops(manager, "loop")
        comes.set()
    assert told(config) >= HUNG


def test_a_loop_that_hangs_in_its_engine_stops_the_stroke(
    configured: Configured, small: Path, tmp_path: Path, manager: Manager
) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["goes_on"], ["goes_on_out"]),
            helper.make_node("Sin", ["value"], ["value_out"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("n", TensorProto.INT64, []),
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("goes_on_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value_out", TensorProto.FLOAT, [1]),
        ],
    )
    nodes = [
        helper.make_node("Less", ["light", "level"], ["dark"]),
        helper.make_node("Cast", ["dark"], ["one"], to=TensorProto.INT64),
        helper.make_node("Mul", ["one", "many"], ["many_or_none"]),
        helper.make_node("Squeeze", ["many_or_none"], ["rounds"]),
        helper.make_node("Loop", ["rounds", "yes", "light"], ["sine"], body=body),
        helper.make_node("Sub", ["sine", "sine"], ["extra"]),
    ]
    folder = with_extra(
        small, tmp_path / "endless", nodes, level=np.float32([60]), many=np.int64([1_000_000]), yes=np.bool_(True)
    )
    config = configured(bundle=str(folder), watchdog=FAST)
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, flown(config):
        manager.wait_for("WATCHDOG=1")
        writer.write(*message(RUN, 0, picture(0, 60)))  # dark: a million rounds in the engine
        assert_stops(manager, "loop")
        manager.wait_for("WATCHDOG=1", 20.0)
    assert told(config) == HUNG | {("info", "part_back")}


def test_a_storage_thread_that_hangs_stops_the_stroke_though_the_loop_flies_on(
    configured: Configured, tmp_path: Path, manager: Manager
) -> None:
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / "verdicts.jsonl")  # holds 64 KiB, which nobody takes
    config = configured(watchdog=FAST)
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, flown(config) as parts:
        manager.wait_for("WATCHDOG=1")
        reader = os.open(tmp_path / "out" / "verdicts.jsonl", os.O_RDONLY | os.O_NONBLOCK)
        for frame_id in range(400):
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            time.sleep(0.001)
        assert_stops(manager, "storage")
        ended = parts.account.totals()
        writer.write(*message(RUN, 400, picture(400)))
        time.sleep(0.2)
        assert sum(parts.account.totals()) > sum(ended)
        drain = threading.Thread(target=read_to_the_end, args=(reader,), daemon=True)
        drain.start()  # the storage is well again
        manager.wait_for("WATCHDOG=1")
    drain.join(5.0)
    os.close(reader)
    assert told(config) == HUNG | {("info", "part_back")}


def test_a_camera_thread_that_hangs_in_its_driver_stops_the_stroke(
    configured: Configured, tmp_path: Path, manager: Manager
) -> None:
    os.mkfifo(tmp_path / "video")
    config = configured(watchdog=FAST)
    with parts_of(config) as parts, watched(parts) as alive:
        source = CameraSource(
            "camera", lambda: cv2.VideoCapture(str(tmp_path / "video")), 2.0, parts.pings.add("source").answer
        )
        parts.source.close()
        parts.source = source
        stop = threading.Event()
        loop = threading.Thread(target=lambda: Loop(parts).run(stop.is_set, alive))
        loop.start()
        assert_stops(manager, "source")
        stop.set()
        loop.join()
        with (tmp_path / "video").open("wb"):
            pass  # the driver gives up
        source.close()
    assert told(config) >= HUNG


def test_an_archive_thread_that_hangs_stops_answering(tmp_path: Path) -> None:
    answers: list[float] = []
    archive = Archive(tmp_path / "archive", 4, Events(), lambda: answers.append(time.monotonic()))
    beside = tmp_path / "archive" / f".journal-{1:020d}.drj.{os.getpid()}.part.drj"
    os.mkfifo(beside)  # what it writes first hangs there
    archive.offer(1, bytes(128))
    time.sleep(1.3)
    before = len(answers)
    assert before
    time.sleep(1.2)
    assert len(answers) == before
    with beside.open("rb") as reader:
        reader.read()
    archive.close()
    assert len(answers) > before


def flies_on(parts: Parts, writer: RingWriter, frames: int) -> None:
    """Until the loop has settled so many frames more."""
    ids, end = itertools.count(sum(parts.account.totals())), time.monotonic() + 20
    wanted = sum(parts.account.totals()) + frames
    while sum(parts.account.totals()) < wanted:
        assert time.monotonic() < end
        frame_id = next(ids)
        writer.write(*message(RUN, frame_id, picture(frame_id)))
        time.sleep(0.005)


def test_an_archive_that_hangs_under_a_flying_node_stops_the_stroke_though_the_loop_flies_on(
    configured: Configured, tmp_path: Path, manager: Manager
) -> None:
    archive = tmp_path / "archive"
    config = configured(
        journal__archive=str(archive), journal__records=160, watchdog={**FAST, "archive_s": 1.5}
    )  # its thread answers once a second
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, flown(config) as parts:
        manager.wait_for("WATCHDOG=1")
        beside = archive / f".journal-{1:020d}.drj.{os.getpid()}.part.drj"
        os.mkfifo(beside)  # what it writes first hangs there
        flies_on(parts, writer, 20)  # a sixteenth of the ring is 10
        assert_stops(manager, "archive")
        flies_on(parts, writer, 3)
        read_to_the_end(os.open(beside, os.O_RDONLY))
        manager.wait_for("WATCHDOG=1")
    assert told(config) == HUNG | {("info", "part_back")}


def test_a_scrub_that_hangs_in_its_disk_stops_the_stroke_though_the_loop_flies_on(
    configured: Configured, small: Path, tmp_path: Path, manager: Manager, stuck: Callable[[Path], threading.Event]
) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "flown"))
    health = {"scrub_period_s": 0.1, "scrub_bytes": 4096}
    config = configured(bundle=str(folder), health=health, watchdog={**FAST, "others_s": 1.5})
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, flown(config) as parts:
        manager.wait_for("WATCHDOG=1")
        comes = stuck(folder / "model.onnx")
        assert_stops(manager, "health")
        flies_on(parts, writer, 3)
        comes.set()
        manager.wait_for("WATCHDOG=1")
    assert told(config) == HUNG | {("info", "part_back")}


def test_a_control_thread_that_hangs_stops_the_stroke_though_the_loop_flies_on(
    configured: Configured, tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("zmq")
    comes, endpoint = threading.Event(), f"ipc://{tmp_path}/control"

    def decode_at_last(data: bytes) -> Command:
        comes.wait(20)
        return decode(data)

    monkeypatch.setattr("onboard.control.socket.decode", decode_at_last)
    config = configured(control={"endpoint": endpoint, "answer_s": 0.1}, watchdog={**FAST, "others_s": 1.5})
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, flown(config) as parts:
        manager.wait_for("WATCHDOG=1")
        asking = threading.Thread(target=ask, args=[endpoint, Pause(), 20.0])
        asking.start()
        assert_stops(manager, "control")
        flies_on(parts, writer, 3)
        comes.set()
        manager.wait_for("WATCHDOG=1")
        asking.join(10.0)
    assert told(config) == HUNG | {("info", "part_back")}


def test_any_other_part_may_be_added_and_leave(configured: Configured, manager: Manager) -> None:
    with flown(configured(watchdog={**FAST, "others_s": 1.5})) as parts:
        manager.wait_for("WATCHDOG=1")
        scrub = parts.pings.add("scrub")
        assert_stops(manager, "scrub")
        scrub.answer()
        manager.wait_for("WATCHDOG=1")
        assert_stops(manager, "scrub")
        parts.pings.remove(scrub)
        manager.wait_for("WATCHDOG=1")


def test_a_real_node_says_when_it_is_ready_strokes_and_says_when_it_ends(
    configured: Configured, tmp_path: Path, manager: Manager
) -> None:
    path = tmp_path / "flown.yaml"
    path.write_text(strict_yaml.dump(configured()))
    node = subprocess.Popen([sys.executable, "-m", "onboard", "fly", str(path)], cwd=REPOSITORY)
    try:
        manager.wait_for("READY=1", 20.0)
        assert manager.heard(0.9).count("WATCHDOG=1") >= 2  # 1 s of WatchdogSec: a stroke in each quarter
        node.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        assert node.wait(20) == 0
    finally:
        node.kill()
