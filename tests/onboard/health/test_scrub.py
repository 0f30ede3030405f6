"""Files that are damaged under a node that flies are told of, and what is in memory flies on."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.flown import Flown
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of, ways
from onboard.fly.rules import RuleBook
from onboard.fly.summary import Summary
from onboard.health.choice import Choice
from onboard.health.scrub import Scrub
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import message, picture
from tests.onboard.fly.conftest import small as small
from tests.onboard.trt.worlds import MakeWorld
from tests.onboard.trt.worlds import make_world as make_world

RUN = b"0123456789abcdef"


def until(loop: Loop, true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        loop.turn(0.01)


def test_a_file_cut_short_altered_or_gone_is_told_of_and_the_node_flies_on(
    configured: Callable[..., NodeConfig], small: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "flown"))
    config = configured(bundle=str(folder), health={"scrub_period_s": 0.1, "scrub_bytes": 4096})
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop = Loop(parts)

        def failed() -> set[str]:
            return {Path(path).name for path in parts.background.as_dict()["scrub"]["failed"]}

        until(loop, lambda: parts.background.as_dict()["scrub"]["passes"] > 1)
        assert failed() == set()
        (folder / "model.onnx").write_bytes((small / "model.onnx").read_bytes()[:-1])
        altered = bytearray((small / "known_answer_64.png").read_bytes())
        altered[-1] ^= 1
        (folder / "known_answer_64.png").write_bytes(altered)
        (folder / "manifest.sha256").unlink()
        until(loop, lambda: failed() == {"model.onnx", "known_answer_64.png", "manifest.sha256"})
        writer.write(*message(RUN, 0, picture(0)))
        loop.turn(5.0)
        page = Summary(parts).write()
        for name in failed():
            shutil.copy(small / name, folder / name)
        until(loop, lambda: not failed())
    assert page["frames"]["answered"] == 1
    assert page["events"]["scrub_failed"] >= 3
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    told = [each for each in events if each["event"] == "scrub_failed"]
    assert {each["level"] for each in told} == {"fatal"}
    model = next(each["detail"] for each in told if "model.onnx" in each["detail"])
    assert parts.guard.bundle.manifest.files["model.onnx"] in model


def test_the_files_of_a_tensorrt_engine_are_read_too(
    configured: Callable[..., NodeConfig], make_world: MakeWorld
) -> None:
    world = make_world()
    config = configured(bundle=str(world.bundle), runtime={"engine": str(world.engine)})
    choice = Choice(config.bundle, config.runtime.engine)
    files = Flown.load(choice, ways(config)(choice)[0], 0, RuleBook(config)).files()
    events = Events()
    scrub = Scrub(files, 4096, 1.0, events)

    def one_pass() -> list[str]:
        before = scrub.passes
        while scrub.passes == before:
            scrub.step()
        return [event.detail.split(":")[0] for event in events.take()]

    assert one_pass() == []
    for name in ("model.engine", "engine.yaml"):
        with (world.engine / name).open("ab") as file:
            file.write(b" ")
    one_pass()  # the generator may be within a file; the next pass sees all of them
    assert one_pass() == [str(world.engine / name) for name in ("model.engine", "engine.yaml")]


@pytest.mark.parametrize(("size", "slices"), [(0, 1), (4096, 2), (10_000, 4)])
def test_a_pass_takes_its_period_whatever_the_size(tmp_path: Path, size: int, slices: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    scrub = Scrub({path: None}, 4096, 60.0, Events())
    pauses = []
    while scrub.passes == 0:
        pauses.append(scrub.step())
    assert len(pauses) == slices + 1  # the last one has gone on to the next pass
    assert sum(pauses[:slices]) == pytest.approx(60.0)
