"""The TensorRT runtime on a fake GPU: what it computes, how it uses memory, streams and graphs."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onboard import bundle as bundles
from onboard.runtime_ort import OrtEngine
from onboard.trt.runtime import TrtEngine
from tests.onboard.small_flight import SIZES, window
from tests.onboard.trt.worlds import MakeWorld, World

VERSIONS = ("8.5.3", "8.6.1", "10.0.1", "10.3.0", "10.7.0", "10.13.3", "10.16.1", "11.4.0", "rtx")
CAPTURED = dict.fromkeys(SIZES, "captured")


def same(world: World, engine: TrtEngine, size: int, seed: int) -> None:
    """The engine gives just what ONNX Runtime gives, under the same names."""
    shown = window(size, seed)
    found, wanted = engine.run(shown), OrtEngine(bundles.read(world.bundle)).run(shown)
    assert sorted(found) == sorted(wanted) == ["debris_logit", "rotation"]
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("played", VERSIONS)
def test_one_path_for_every_version(make_world: MakeWorld, shared_folder: Path, played: str) -> None:
    path = shared_folder / "tensorrt" / f"api_{played}.json"
    if not path.is_file():
        pytest.skip("TensorRT's API files are not here (set DEBRIS_SHARED to the folder beside the repository)")
    api = json.loads(path.read_text())
    world = make_world(("tensorrt_rtx" if played == "rtx" else "tensorrt", api["v"]))
    engine = world.load()
    for size in SIZES:
        same(world, engine, size, 1)
    fake = world.tensorrt
    for kind, thing in (
        ("top", fake.module),
        ("rt", fake.runtimes[0]),
        ("eng", fake.engines[0]),
        ("ctx", fake.contexts[0]),
    ):
        assert public(thing) and public(thing) <= set(api[kind]), f"the fake offers more than TensorRT {played} has"
    assert engine.graph_states == CAPTURED and api["v"] in engine.name


@pytest.mark.parametrize("integrated", [False, True])
def test_frames_in_a_row_and_windows_of_changing_size_do_not_mix(make_world: MakeWorld, integrated: bool) -> None:
    world = make_world(integrated=integrated)
    engine = world.load()
    first = engine.run(window(SIZES[1], 1))
    kept = {name: array.copy() for name, array in first.items()}
    for seed, size in enumerate((SIZES[0], SIZES[1], SIZES[1], SIZES[0], SIZES[0])):
        same(world, engine, size, seed)
    for name, array in first.items():
        np.testing.assert_array_equal(array, kept[name], err_msg="an answer changed after it was given")


def test_memory_is_taken_once_for_the_largest_window(make_world: MakeWorld) -> None:
    world = make_world()
    engine = world.load()
    wanted = sorted([4, 12, 16, SIZES[-1] ** 2 * 3])  # logit, rotation, box, window, in bytes
    for side in (world.gpu.host, world.gpu.device):
        assert sorted(memory.nbytes for memory in side.values()) == wanted
    inputs = [memory for memory in world.gpu.host.values() if memory.nbytes >= 16]
    assert not any(memory.any() for memory in inputs), "the warm-up ran on what happened to lie there"
    taken = set(world.gpu.host) | set(world.gpu.device)
    world.gpu.copies = 0
    for seed in range(6):
        engine.run(window(SIZES[seed % 2], seed))
    assert set(world.gpu.host) | set(world.gpu.device) == taken
    assert world.gpu.copies == 6 * 4
    assert len(world.tensorrt.contexts) == 2 and world.tensorrt.seen["set_tensor_address"] == 8
    assert engine.about()["host_memory"] == "pinned"


def test_where_cpu_and_gpu_share_memory_nothing_is_copied(make_world: MakeWorld) -> None:
    world = make_world(integrated=True)
    engine = world.load()
    same(world, engine, SIZES[0], 1)
    assert not world.gpu.device and world.gpu.copies == 0
    assert engine.about()["host_memory"] == "mapped"


def test_each_window_size_has_a_graph_that_spares_the_enqueue(make_world: MakeWorld) -> None:
    world = make_world()
    engine = world.load()
    assert engine.graph_states == CAPTURED == {64: "captured", 128: "captured"}
    assert len(world.gpu.executables) == 2 and not world.gpu.graphs
    enqueued = world.tensorrt.seen["execute_async_v3"]
    for seed in range(4):
        same(world, engine, SIZES[seed % 2], seed)
    assert world.tensorrt.seen["execute_async_v3"] == enqueued == 2 * 2  # warm-up and capture
    engine.close()
    assert not world.gpu.executables


@pytest.mark.parametrize(
    ("function", "refused", "said"),
    [
        ("cuStreamBeginCapture_v2", "", "cuStreamBeginCapture_v2: error 801"),
        ("cuGraphInstantiateWithFlags", "", "cuGraphInstantiateWithFlags: error 801"),
        ("cuGraphLaunch", "", "cuGraphLaunch: error 801"),
        ("", "capture", "cuStreamEndCapture: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"),
        ("", "execute_async_v3:capturing", "TensorRT does not enqueue this engine while the stream is captured"),
    ],
)
def test_without_a_graph_each_call_is_enqueued(make_world: MakeWorld, function: str, refused: str, said: str) -> None:
    world = make_world()
    world.gpu.fails[function] = 801
    world.tensorrt.refused.add(refused)
    engine = world.load()
    for size in SIZES:
        assert engine.graph_states[size].startswith(f"failed: {said}")
        enqueued = world.tensorrt.seen["execute_async_v3"]
        same(world, engine, size, 3)
        assert world.tensorrt.seen["execute_async_v3"] == enqueued + 1
    assert engine.about()["cuda_graphs"][str(SIZES[0])] == engine.graph_states[SIZES[0]]
    assert world.gpu.captured is None and not world.gpu.graphs and not world.gpu.executables


def test_an_engine_for_a_dla_is_not_captured(make_world: MakeWorld) -> None:
    world = make_world(precision="fp16", dla_core=1)
    engine = world.load()
    assert world.tensorrt.dla_core == 1
    assert set(engine.graph_states.values()) == {"not tried: the engine is for a DLA"}
    same(world, engine, SIZES[0], 1)


def test_the_gpu_s_times_of_the_last_window_can_be_read(make_world: MakeWorld) -> None:
    world = make_world()
    engine = world.load()
    assert engine.times_ms() == {}
    engine.run(window(SIZES[0], 1))
    assert engine.times_ms() == {"h2d": 0.25, "compute": 1.0, "d2h": 0.25}


def test_any_thread_may_run_it_and_none_keeps_the_context(make_world: MakeWorld) -> None:
    world = make_world()
    engine = world.load()
    faults: list[str] = []

    def fly(seed: int) -> None:
        try:
            for turn in range(5):
                same(world, engine, SIZES[turn % 2], seed)
            assert not world.gpu.stack()
        except AssertionError as error:
            faults.append(str(error))

    threads = [threading.Thread(target=fly, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == [] and not world.gpu.stack()
