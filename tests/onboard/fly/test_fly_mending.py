"""An engine that gives nonsense is replaced beside the loop: frames are accounted for, poses go on, nothing waits."""

import json
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from onboard import bundle as bundles
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.flown import Way
from onboard.fly.guard import Guard
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.health.choice import Choice, Chosen
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import BOX, message, picture, settle
from tests.onboard.trt.worlds import MakeWorld
from tests.onboard.trt.worlds import make_world as make_world

RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]
Stuck = Callable[[Path], threading.Event]
DARK = 60  # the moody bundle's logit is not a number then


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RingWriter]:
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as made:
        yield made


def told(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("poses", [False, True])
def test_the_loop_does_not_wait_for_a_slow_load(
    configured: Configured, moody: Path, tmp_path: Path, writer: RingWriter, stuck: Stuck, poses: bool
) -> None:
    config = configured(bundle=str(moody), output__pose_outputs=None if poses else [])
    with parts_of(config) as parts:
        loop, longest = Loop(parts), 0.0
        comes = stuck(moody / bundles.MANIFEST)
        for frame_id in range(12):  # three of nonsense; then such as the engine has an answer to, were it asked
            writer.write(*message(RUN, frame_id, picture(frame_id, DARK if frame_id < 3 else 256)))
            start = time.monotonic()
            loop.turn(5.0)
            longest = max(longest, time.monotonic() - start)
            assert parts.guard.mending == (frame_id >= 2)
        assert parts.guard.state == ("onnxruntime" if poses else "reloading")
        comes.set()
        settle(parts.guard, lambda: loop.turn(0.0))
        writer.write(*message(RUN, 12, picture(12)))
        loop.turn(5.0)
        counts = parts.log.counts
    assert longest < 1.0
    ends = [(each["status"], each["reason"]) for each in told(tmp_path)]
    meanwhile = ("REJECTED" if poses else "SKIPPED", "reloading")
    assert ends == [("REJECTED", "invalid_output")] * 3 + [meanwhile] * 9 + [("ANSWERED", None)]
    assert all(each["logit"] is each["is_debris"] is None for each in told(tmp_path)[:12])
    assert all(("outputs" in each) == poses for each in told(tmp_path)[3:12])
    assert (counts["engine_reloaded"], counts["reload_failed"], counts["unavailable"]) == (1, 0, 0)


def test_a_bundle_that_is_told_to_fly_meanwhile_flies_and_the_late_engine_does_not(
    configured: Configured, moody: Path, small: Path, tmp_path: Path, writer: RingWriter, stuck: Stuck
) -> None:
    with parts_of(configured(bundle=str(moody), invalid={"in_a_row": 1}, output__pose_outputs=[])) as parts:
        loop, other = Loop(parts), bundles.read(small).sha256
        comes = stuck(moody / bundles.MANIFEST)
        writer.write(*message(RUN, 0, picture(0, DARK)))
        loop.turn(5.0)
        assert parts.guard.state == "reloading"
        with pytest.raises(InputError, match="being loaded already"):
            parts.guard.told.set_rate(0.1, None)
        with pytest.raises(InputError, match="another one is being loaded"):
            parts.guard.self_test()
        parts.guard.told.change(str(small))
        settle(parts.guard, lambda: loop.turn(0.0))
        assert (parts.guard.state, parts.guard.bundle.sha256) == ("onnxruntime", other)
        comes.set()
        parts.guard.close()  # it has come now
        loop.turn(0.0)
        assert (parts.guard.bundle.sha256, parts.log.counts["engine_reloaded"]) == (other, 0)


def test_a_load_that_hangs_is_given_up_and_what_comes_of_it_late_does_not_fly(
    configured: Configured, moody: Path, tmp_path: Path
) -> None:
    ends, loads = threading.Event(), list[str]()
    closed = threading.Event()

    def load(name: str) -> Detector:
        loads.append(name)
        if loads.count("first") == 2 and name == "first":
            ends.wait(20)
        detector = Detector.load(moody)
        detector.engine.close = closed.set if len(loads) > 1 and name == "first" else lambda: None  # type: ignore[attr-defined]
        return detector

    ways = [Way("first", lambda: load("first")), Way("second", lambda: load("second"))]
    choice, events = Choice(str(moody)), Events()
    config = configured(watchdog={"others_s": 1}, invalid={"in_a_row": 1, "reloads": 1}, output__pose_outputs=[])
    guard = Guard(Chosen(choice, (choice,)), lambda _: ways, config, events)
    assert guard(picture(0, DARK), BOX).reason == "invalid_output"
    guard.mend()
    settle(guard)
    assert [event.name for event in events.take()] == ["load_hangs", "engine_handed_over"]
    assert (guard.state, loads) == ("second", ["first", "first", "second"])
    ends.set()
    end = time.monotonic() + 10
    while not closed.is_set():
        assert time.monotonic() < end
        guard.tend()
    assert guard.state == "second"
    guard.close()


@pytest.mark.parametrize("whole", [True, False])
def test_an_engine_that_flies_for_its_poses_is_closed_only_where_the_gpu_has_no_room_for_another(
    configured: Configured, make_world: MakeWorld, moody: Path, tmp_path: Path, whole: bool
) -> None:
    world = make_world(bundle=moody)
    config = configured(bundle=str(moody), runtime={"engine": str(world.engine)}, invalid={"in_a_row": 1, "reloads": 1})
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop, seen = Loop(parts), list[str]()
        running = weakref.ref(parts.guard.flown.detector.engine)
        world.tensorrt.full = lambda: running() is not None
        if not whole:
            (world.engine / "model.engine").write_bytes(b"altered")
        writer.write(*message(RUN, 0, picture(0, DARK)))
        loop.turn(5.0)
        settle(parts.guard, lambda: (seen.append(parts.guard.state), loop.turn(0.0)))
        writer.write(*message(RUN, 1, picture(1)))
        loop.turn(5.0)
        assert parts.guard.state == ("tensorrt" if whole else "onnxruntime")
        assert ("reloading" in seen) == whole
    assert [each["reason"] for each in told(tmp_path)] == ["invalid_output", None]
