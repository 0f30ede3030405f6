"""A weight of the running engine is flipped: a known answer shows it, and the engine comes anew from its files."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from onboard import bundle as bundles
from onboard.bundle import Bundle
from onboard.detector import Detector
from onboard.engine import Outputs
from onboard.event import Events
from onboard.fly.asking import Asking
from onboard.fly.config import NodeConfig
from onboard.fly.flown import Way
from onboard.fly.guard import Guard
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.health.choice import Choice, Chosen
from onboard.health.known import KnownAnswers, Wrong
from onboard.runtime_ort import OrtEngine
from onboard.sources.ring_writer import RingWriter
from onboard.telemetry.lines import lines
from onboard.window import Window
from tests.onboard.fly.conftest import BOX, message, picture, settle


class LiveWeights(OrtEngine):
    """ONNX Runtime on weights that can be reached while it runs."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        graph = onnx.load_from_string(bundle.contents[bundle.manifest.model])
        self.weights = {each.name: onnx.numpy_helper.to_array(each).copy() for each in graph.graph.initializer}
        self._values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in self.weights.items()}
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")
        for name, value in self._values.items():
            options.add_initializer(name, value)
        self._session = onnxruntime.InferenceSession(bundle.contents[bundle.manifest.model], options)

    def flip(self, name: str, bit: int) -> None:
        self.weights[name].reshape(-1).view(np.uint32)[0] ^= np.uint32(1 << bit)


def flown(folder: Path, config: NodeConfig, events: Events) -> Guard:
    def load() -> Detector:
        bundle = bundles.read(folder)
        return Detector(bundle, LiveWeights(bundle))

    choice = Choice(str(folder))
    return Guard(Chosen(choice, (choice,)), lambda _: [Way("live", load)], config, events)


def flip(guard: Guard) -> None:
    assert guard.flown.detector is not None and isinstance(guard.flown.detector.engine, LiveWeights)
    guard.flown.detector.engine.flip("head", 25)


def test_a_flipped_weight_is_noticed_and_the_engine_replaced_while_it_answers(
    configured: Callable[..., NodeConfig], small: Path
) -> None:
    events = Events()
    guard = flown(small, configured(health={"known_answer_s": 0.001}), events)
    right = guard(picture(0), BOX).logit
    guard.tend()
    assert events.take() == []
    flip(guard)
    wrong = guard(picture(0), BOX)
    assert (wrong.logit == right, wrong.reason) == (False, None)  # nothing else would notice
    time.sleep(0.002)
    guard.tend()
    assert [event.name for event in events.take()] == ["known_answer_wrong"]
    meanwhile = guard(picture(0), BOX)
    assert (meanwhile.logit == wrong.logit, wrong.suspect, meanwhile.suspect) == (True, False, True)  # it flies on
    end = time.monotonic() + 10
    while guard(picture(0), BOX).logit != right:
        assert time.monotonic() < end
        guard.tend()
    assert [event.name for event in events.take()] == ["engine_reloaded"]
    assert not guard(picture(0), BOX).suspect
    guard.tend()
    assert guard.known_answers["wrong"] == 1
    assert events.take() == []


@pytest.mark.parametrize("logit_alone", [False, True])
def test_verdicts_of_an_engine_that_is_known_to_be_wrong_say_so_until_another_one_flies(
    configured: Callable[..., NodeConfig], small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    stuck: Callable[[Path], threading.Event], logit_alone: bool,
) -> None:  # fmt: skip
    pytest.importorskip("spacepackets")
    real, wrong = KnownAnswers.ask, [Wrong("one is wrong", logit_alone)]
    monkeypatch.setattr(KnownAnswers, "ask", lambda self: wrong.pop() if wrong else real(self))
    folder = Path(shutil.copytree(small, tmp_path / "flown"))
    config = configured(bundle=str(folder), health__known_answer_s=1e-6, telemetry={"to": {"kind": "file"}, "apid": 9})
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop, comes = Loop(parts), stuck(folder / bundles.MANIFEST)
        for frame_id in range(4):
            writer.write(*message(b"0123456789abcdef", frame_id, picture(frame_id)))
            loop.turn(5.0)
            end = time.monotonic() + 10
            while not parts.guard.known_answers["wrong"]:  # asked behind the first one
                assert time.monotonic() < end
                loop.turn(0.01)
            if frame_id == 2:
                comes.set()
                settle(parts.guard, lambda: loop.turn(0.0))
    told = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert [(each["status"], each.get("suspect")) for each in told] == [
        ("ANSWERED", None), ("ANSWERED", True), ("ANSWERED", True), ("ANSWERED", None),
    ]  # fmt: skip
    assert all("outputs" in each for each in told)
    packets = lines((tmp_path / "out" / "telemetry.bin").read_bytes(), 130)
    assert [each["suspect"] for each in packets if each["kind"] == "verdict"] == [False, True, True, False]


def spoil(folder: Path) -> None:
    altered = bytearray((folder / "model.onnx").read_bytes())
    altered[-1] ^= 1
    (folder / "model.onnx").write_bytes(altered)


def test_where_the_logit_alone_is_wrong_and_no_file_is_whole_the_poses_go_on(
    configured: Callable[..., NodeConfig], small: Path, tmp_path: Path
) -> None:
    """No verdict meanwhile; and when the file has been put back, the engine comes back by itself."""
    folder, events = Path(shutil.copytree(small, tmp_path / "flown")), Events()
    config = configured(health={"known_answer_s": 0.001}, invalid={"reloads": 1}, watchdog={"others_s": 0.2})
    guard = flown(folder, config, events)
    right = guard(picture(0), BOX)
    flip(guard)
    spoil(folder)
    end = time.monotonic() + 10
    while "debris_given_up" not in (names := [event.name for event in events.take()]):
        assert time.monotonic() < end and "unavailable" not in names
        guard.tend()
    wrong = guard.known_answers["wrong"]
    for _ in range(20):  # known answers are asked on, and are wrong, which was told
        time.sleep(0.002)
        guard.tend()
        answer = guard(picture(0), BOX)
        assert (answer.status.value, answer.logit, answer.suspect) == ("REJECTED", None, False)
        assert np.array_equal(answer.outputs["rotation"], right.outputs["rotation"])
    assert guard.known_answers["wrong"] >= wrong + 10
    assert "known_answer_wrong" not in [event.name for event in events.take()]
    shutil.copy(small / "model.onnx", folder / "model.onnx")
    while guard(picture(0), BOX).logit != right.logit:
        assert time.monotonic() < end
        guard.tend()
    names = [event.name for event in events.take()]
    assert names[-1] == "engine_reloaded" and not {"debris_given_up", "unavailable"} & set(names)


@pytest.mark.parametrize("by_command", [True, False])
def test_an_engine_that_is_wrong_and_has_no_whole_file_answers_no_more(
    configured: Callable[..., NodeConfig], small: Path, tmp_path: Path, by_command: bool
) -> None:
    folder, events = Path(shutil.copytree(small, tmp_path / "flown")), Events()
    watchdog = {"others_s": 30 if by_command else 0.2}  # how often it is tried again
    config = configured(
        health={"known_answer_s": 0.001}, invalid={"reloads": 2}, output__pose_outputs=[], watchdog=watchdog
    )
    guard = flown(folder, config, events)
    flip(guard)
    spoil(folder)
    end = time.monotonic() + 10
    while guard.available or guard.mending:
        assert time.monotonic() < end
        guard.tend()
    told = events.take()
    names = ["known_answer_wrong", "reload_failed", "reload_failed", "unavailable"]
    assert [event.name for event in told] == names
    assert all("SHA-256" in event.detail for event in told[1:3])
    assert guard(picture(0), BOX).reason == "unavailable"
    shutil.copy(small / "model.onnx", folder / "model.onnx")  # it is put back
    if by_command:
        guard.told.change(str(folder))
    while not guard.available:
        assert time.monotonic() < end
        guard.tend()
    assert guard(picture(0), BOX).logit is not None


def test_a_wrong_pose_is_told_of_although_a_wrong_logit_was_and_a_new_engine_anew(
    configured: Callable[..., NodeConfig], small: Path
) -> None:
    events = Events()
    guard, asking = flown(small, configured(), Events()), Asking(1.0, events)
    assert guard.flown.detector is not None and isinstance(guard.flown.detector.engine, LiveWeights)

    def told() -> list[str]:
        for _ in range(3):
            asking.all(guard.flown)
        return [event.name for event in events.take()]

    flip(guard)
    assert told() == ["known_answer_wrong"]
    guard.flown.detector.engine.flip("turn", 25)  # of the pose
    assert told() == ["known_answer_wrong"]
    asking.start_over(guard.flown)
    assert told() == ["known_answer_wrong"]
    assert asking.counts == {"asked": 18, "wrong": 18}


class Unsteady(OrtEngine):
    """ONNX Runtime with a logit that is never the same twice, as an engine that adds in any order gives it."""

    runs, size, turned = 0, 1e-5, 0.0

    def run(self, window: Window) -> Outputs:
        outputs = dict(super().run(window))
        self.runs += 1
        outputs["rotation"] = outputs["rotation"] + np.float32(self.turned + 1e-6 * (self.runs % 2))
        outputs["debris_logit"] = outputs["debris_logit"] + np.float32(self.size * (self.runs % 7))
        return outputs


def test_an_engine_that_is_not_repeatable_is_held_to_its_tolerance(
    configured: Callable[..., NodeConfig], small: Path
) -> None:
    bundle, events, choice = bundles.read(small), Events(), Choice(str(small))
    ways = [Way("unsteady", lambda: Detector(bundle, Unsteady(bundle)))]
    guard = Guard(Chosen(choice, (choice,)), lambda _: ways, configured(health={"known_answer_s": 1e-6}), events)
    for _ in range(20):
        guard.tend()
    assert [event.name for event in events.take()] == ["known_answers_vary"]
    assert guard.known_answers == {"asked": 20, "wrong": 0}
    assert guard.flown.detector is not None and isinstance(guard.flown.detector.engine, Unsteady)
    guard.flown.detector.engine.size = 1.0
    for _ in range(4):
        guard.tend()
    assert guard.known_answers["wrong"] >= 1
    guard.close()


@pytest.mark.parametrize("turned", [0.0, 1.0, np.nan])
def test_of_an_engine_that_is_not_repeatable_too_a_wrong_logit_alone_costs_no_pose(
    configured: Callable[..., NodeConfig], small: Path, turned: float
) -> None:
    known = KnownAnswers(Detector(bundle := bundles.read(small), engine := Unsteady(bundle)))
    assert not known.repeatable
    engine.size, engine.turned = 1.0, turned
    wrong = [each for each in (known.ask() for _ in range(7)) if each is not None]
    assert len(wrong) >= 5
    assert {each.logit_alone for each in wrong} == {turned == 0.0}
    assert all(("rotation" in each.said) == (turned != 0.0) for each in wrong)


@pytest.mark.parametrize("turned", [0.0, 1.0])
def test_poses_of_an_engine_that_is_not_repeatable_go_on_where_its_logit_alone_is_wrong(
    configured: Callable[..., NodeConfig], small: Path, tmp_path: Path, turned: float
) -> None:
    folder, events = Path(shutil.copytree(small, tmp_path / "flown")), Events()

    def load() -> Detector:
        bundle = bundles.read(folder)
        return Detector(bundle, Unsteady(bundle))

    choice, config = Choice(str(folder)), configured(health={"known_answer_s": 1e-6}, invalid={"reloads": 1})
    guard = Guard(Chosen(choice, (choice,)), lambda _: [Way("unsteady", load)], config, events)
    assert guard.flown.detector is not None and isinstance(guard.flown.detector.engine, Unsteady)
    guard.flown.detector.engine.size, guard.flown.detector.engine.turned = 1.0, turned
    spoil(folder)
    end, names = time.monotonic() + 10, list[str]()
    while not {"debris_given_up", "unavailable"} & set(names):
        assert time.monotonic() < end
        guard.tend()
        names += [event.name for event in events.take()]
    assert names[-1] == ("unavailable" if turned else "debris_given_up")
    assert ("rotation" in guard(picture(0), BOX).outputs) == (not turned)
    guard.close()


def test_an_engine_that_gives_wrong_answers_does_not_wait_for_a_load_that_hangs(
    configured: Callable[..., NodeConfig], small: Path
) -> None:
    events, ends = Events(), threading.Event()

    def ways(choice: Choice) -> list[Way]:
        def load() -> Detector:
            assert choice.bundle == str(small) or ends.wait(20)
            bundle = bundles.read(small)
            return Detector(bundle, LiveWeights(bundle))

        return [Way("live", load)]

    choice = Choice(str(small))
    config = configured(health={"known_answer_s": 0.001}, watchdog={"others_s": 5})
    guard = Guard(Chosen(choice, (choice,)), ways, config, events)
    right = guard(picture(0), BOX).logit
    guard.told.change("/hanging")
    flip(guard)
    end = time.monotonic() + 10
    while guard(picture(0), BOX).logit != right:
        assert time.monotonic() < end, events.take()
        guard.tend()
    ends.set()
    guard.close()
    assert [event.name for event in events.take()] == ["known_answer_wrong", "engine_reloaded"]


def test_a_frame_that_has_waited_through_a_standstill_goes_before_a_known_answer(
    configured: Callable[..., NodeConfig], small: Path
) -> None:
    guard, asking, start = flown(small, configured(), Events()), Asking(1.0, Events()), time.monotonic()
    asking.start_over(guard.flown)
    asked = []
    for after_s in (0.1, 1.0, 1.2, 3.0, 3.05, 3.2, 6.0, 9.0, 12.0):  # twice nothing for long; then each turn is slow
        asking.when_due(guard.flown, start + after_s)
        asked.append(asking.counts["asked"])
    assert asked == [1, 1, 2, 2, 2, 3, 3, 4, 4]
