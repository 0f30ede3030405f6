"""Commands that meet a sick engine."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard.control.client import ask
from onboard.control.messages import Command, Load, Reply, SelfTest
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop, Parts
from onboard.fly.opening import parts_of
from onboard.fly.orders import Orders
from tests.onboard.fly.conftest import settle
from tests.onboard.trt.worlds import MakeWorld
from tests.onboard.trt.worlds import make_world as make_world

pytest.importorskip("zmq")


def told(parts: Parts, command: Command) -> Reply:
    """The answer of a loop that is turned by hand."""
    assert parts.config.control is not None
    endpoint, replies = parts.config.control.endpoint, list[Reply]()
    asking = threading.Thread(target=lambda: replies.append(ask(endpoint, command, 20)))
    asking.start()
    loop, orders = Loop(parts), Orders(parts, lambda: None)
    while asking.is_alive():
        loop.turn(0.01)
        orders.serve()
    return replies[0]


def test_a_self_test_sees_an_engine_that_gives_other_answers_and_a_fresh_one_is_loaded(
    configured: Callable[..., NodeConfig], make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    config = configured(
        bundle=str(world.bundle),
        runtime={"engine": str(world.engine)},
        health={"known_answer_s": None},
        control={"endpoint": f"ipc://{tmp_path}/control"},
    )
    with parts_of(config) as parts:
        assert told(parts, SelfTest()).ok
        world.tensorrt.drift = 1e-6
        wrong = told(parts, SelfTest())
        assert (wrong.ok, wrong.reason) == (False, "refused")
        assert "until the events say engine_reloaded" in str(wrong.error)
        assert parts.guard.known_answers == {"asked": 4, "wrong": 2}
        loop = Loop(parts)
        settle(parts.guard, lambda: loop.turn(0.0))
        loop.turn(0.0)
        assert (parts.log.counts["known_answer_wrong"], parts.log.counts["engine_reloaded"]) == (1, 1)
        assert told(parts, SelfTest()).ok
        world.tensorrt.drift = 0.0
        assert told(parts, Load(str(world.bundle), str(world.engine))).result["engine"] == "tensorrt"
        assert told(parts, SelfTest()).ok
        assert told(parts, Load(str(world.bundle), str(world.bundle))).reason == "refused"  # no engine lies there
        assert parts.guard.state == "tensorrt"
