"""A configured TensorRT engine, on the fake GPU, that begins to give nonsense: ONNX Runtime flies on."""

import json
import math
from collections.abc import Callable
from pathlib import Path

from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture, settle
from tests.onboard.trt.worlds import MakeWorld
from tests.onboard.trt.worlds import make_world as make_world

RUN = b"0123456789abcdef"


def test_onnx_runtime_takes_over_from_an_engine_that_no_reload_mends(
    configured: Callable[..., NodeConfig], make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    config = configured(bundle=str(world.bundle), runtime={"engine": str(world.engine)})
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop, states = Loop(parts), []
        for frame_id in range(8):
            world.tensorrt.drift = math.nan if frame_id >= 2 else 0.0
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            loop.turn(5.0)
            settle(parts.guard, lambda: loop.turn(0.0))
            states.append(parts.guard.state)
        counts = parts.log.counts
    told = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert [each["reason"] for each in told] == [None] * 2 + ["invalid_output"] * 3 + [None] * 3
    assert states == ["tensorrt"] * 4 + ["onnxruntime"] * 4
    assert (counts["reload_failed"], counts["engine_handed_over"]) == (2, 1)
    assert not world.gpu.stack()  # no context is left pushed


def test_an_engine_is_renewed_beside_the_one_that_flies(
    configured: Callable[..., NodeConfig], make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    health = {"reload_s": 0.05, "known_answer_s": 0.01}
    config = configured(bundle=str(world.bundle), runtime={"engine": str(world.engine)}, health=health)
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop, frame_id = Loop(parts), 0
        while parts.log.counts["engine_renewed"] < 3:
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            loop.turn(5.0)
            frame_id += 1
            assert frame_id < 5000
        counts = parts.log.counts
        assert parts.guard.state == "tensorrt"
    told = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert [(each["frame_id"], each["status"]) for each in told] == [(n, "ANSWERED") for n in range(frame_id)]
    assert (counts["reload_failed"], counts["known_answer_wrong"]) == (0, 0)
    assert not world.gpu.stack()
