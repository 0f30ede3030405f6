"""What the TensorRT runtime refuses, and that the message tells what to do; and frames that fail in flight."""

import hashlib
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from onboard import Status
from onboard import bundle as bundles
from onboard.errors import InputError
from onboard.trt.gpu import Gpu
from onboard.trt.manifest import ENGINE, MANIFEST, Library
from onboard.window import Window
from tests.onboard.small_flight import SIZES, window
from tests.onboard.trt.fake_tensorrt import write_engine
from tests.onboard.trt.worlds import MakeWorld, World

FRAME, BOX = np.full((200, 200, 3), 90, np.uint8), (60, 60, 90, 95)


def refusal(world: World) -> str:
    with pytest.raises(InputError) as error:
        world.detector()
    assert not world.gpu.stack(), "the context is still current"
    return str(error.value)


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("deserialize_cuda_engine", "TensorRT cannot read the engine"),
        ("create_execution_context", "no execution context for window size 64"),
        ("set_optimization_profile_async", "optimisation profile 0 (window size 64) cannot be set"),
        ("set_input_shape:box", "input box cannot have the shape [1, 4]"),
        ("get_tensor_shape:rotation", "tensor rotation has the shape [1, -1] at 64 px"),
        ("get_tensor_dtype:rotation", "tensor rotation is FP8, which NumPy lacks"),
        ("set_tensor_address:debris_logit", "tensor debris_logit cannot lie at address 0x"),
        ("execute_async_v3", "window size 64 cannot be enqueued"),
    ],
)
def test_a_refusal_names_the_tensor_and_how_to_go_on(make_world: MakeWorld, refused: str, said: str) -> None:
    world = make_world()
    world.tensorrt.refused.add(refused)
    message = refusal(world)
    assert message.startswith(f"{world.engine / ENGINE}: ") and said in message
    if not refused.startswith("get_"):
        assert f"(API Usage Error in {refused.partition(':')[0]}" in message
    assert f"build the engine again: python -m onboard build {world.bundle} --precision fp32" in message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gpu": Gpu("Xavier", "7.2")}, "built with Xavier (compute capability 7.2), but here is Orin"),
        ({"library": Library("tensorrt", "8.6.1")}, "built by tensorrt 8.6.1, but here is tensorrt 10.3.0"),
        ({"model_sha256": "0" * 64}, "built from a graph with SHA-256 0000"),
    ],
)
def test_an_engine_of_another_place_stays_unread(make_world: MakeWorld, changes: dict[str, Any], said: str) -> None:
    world = make_world(**changes)
    message = refusal(world)
    assert said in message and "build it again: python -m onboard build" in message
    assert "deserialize_cuda_engine" not in world.tensorrt.seen


def test_an_engine_with_one_changed_byte_stays_unread(make_world: MakeWorld) -> None:
    world = make_world()
    data = bytearray((world.engine / ENGINE).read_bytes())
    data[len(data) // 2] ^= 1
    (world.engine / ENGINE).write_bytes(bytes(data))
    assert "it was altered: build it again" in refusal(world)
    (world.engine / ENGINE).unlink()
    assert "cannot be read (No such file or directory); build it again" in refusal(world)
    assert "deserialize_cuda_engine" not in world.tensorrt.seen


def test_a_folder_without_an_engine_is_named(make_world: MakeWorld) -> None:
    world = make_world()
    (world.engine / MANIFEST).unlink()
    message = refusal(world)
    assert f"{world.engine}: no folder of an engine (engine.yaml is not in it)" in message
    assert f"python -m onboard build {world.bundle}" in message


def test_an_engine_whose_outputs_are_not_the_bundle_s_is_refused(make_world: MakeWorld, tmp_path: Any) -> None:
    world = make_world()
    other = (world.engine / ENGINE).read_bytes().replace(b"rotation", b"attitude")
    (world.engine / ENGINE).write_bytes(other)
    write_again = write_engine(
        world.engine, world.bundle, world.tensorrt.library(), world.gpu, engine_sha256=hashlib.sha256(other).hexdigest()
    )
    (write_again / ENGINE).write_bytes(other)
    assert "the engine has inputs and outputs [['box', 'window'], ['attitude', 'debris_logit']]" in refusal(world)


def test_an_absent_pycuda_is_named_with_the_remedy(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    for name in ("pycuda", "pycuda.driver"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("sys.path", [])
    message = refusal(world)
    assert "pycuda: not installed for this Python" in message and "pip install pycuda" in message


def test_a_pycuda_of_another_cuda_is_not_called_absent(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    monkeypatch.delitem(sys.modules, "pycuda.driver")
    package = ModuleType("pycuda")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "pycuda", package)
    assert "pycuda: installed, but it cannot be loaded (No module named 'pycuda.driver')" in refusal(world)


def test_no_gpu_that_pycuda_can_use(make_world: MakeWorld) -> None:
    world = make_world()
    world.gpu.fails["init"] = 100
    assert "pycuda finds no GPU that it can use (cuInit failed: no CUDA-capable device" in refusal(world)


def test_an_engine_that_computes_something_else_does_not_fly(make_world: MakeWorld) -> None:
    world = make_world()
    world.tensorrt.drift = 0.5
    message = refusal(world)
    assert "known_answer_64.png: known answer " in message and "with tensorrt 10.3.0 on Orin" in message
    assert "do not fly this bundle here: build the engine again: python -m onboard build" in message


@pytest.mark.parametrize(("precision", "drift", "flies"), [("fp32", 0.005, False), ("fp16", 0.005, True)])
def test_the_tolerance_is_the_precision_s(make_world: MakeWorld, precision: str, drift: float, flies: bool) -> None:
    world = make_world(precision=precision)
    known = bundles.read(world.bundle).manifest.known_answers
    world.tensorrt.drift = drift * max(1.0, *(abs(each.logit) for each in known))
    if flies:
        assert world.detector()(FRAME, BOX).status is Status.ANSWERED
    else:
        assert "known answer" in refusal(world)


def test_a_frame_that_fails_in_flight_is_rejected_and_the_next_one_answered(make_world: MakeWorld) -> None:
    world = make_world()
    detector = world.detector()
    right = detector(FRAME, BOX)
    assert right.status is Status.ANSWERED and sorted(right.outputs) == ["rotation"]
    world.gpu.fails["cuGraphLaunch"] = 901
    wrong = detector(FRAME, BOX)
    assert (wrong.status, wrong.reason) == (Status.REJECTED, "inference_failed")
    assert wrong.detail == "cuGraphLaunch: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"
    world.gpu.fails.clear()
    assert detector(FRAME, BOX).logit == right.logit


def test_an_enqueue_that_fails_in_flight_names_the_window(make_world: MakeWorld) -> None:
    world = make_world()
    world.tensorrt.refused.add("capture")
    detector = world.detector()
    world.tensorrt.refused.add("execute_async_v3")
    answer = detector(FRAME, BOX)
    assert answer.reason == "inference_failed" and answer.detail is not None
    assert "window size 64 cannot be enqueued (API Usage Error in execute_async_v3)" in answer.detail


PIXELS, REGION = window(64, 1).pixels, window(64, 1).region


@pytest.mark.parametrize(
    ("pixels", "region", "said"),
    [
        (
            window(64, 1).pixels[:40, :40],
            REGION,
            "input window is [1, 40, 40, 3]: the engine takes the sizes [64, 128]",
        ),
        (PIXELS[:, :50], REGION, "input window is [1, 64, 50, 3]: the engine takes the sizes [64, 128]"),
        (PIXELS.astype(np.float32), REGION, "input window is float32 [1, 64, 64, 3]: uint8"),
        (PIXELS, REGION.astype(np.float64), "input box is float64 [1, 4]: float32 [1, 4] is needed"),
        (PIXELS, REGION[:1], "input box is float32 [1, 1]: float32 [1, 4] is needed"),
    ],
)
def test_inputs_of_another_shape_or_type(make_world: MakeWorld, pixels: Any, region: Any, said: str) -> None:
    engine = make_world().load()
    with pytest.raises(InputError) as error:
        engine.run(Window(pixels, region))
    assert said in str(error.value)
    assert SIZES == (64, 128)
