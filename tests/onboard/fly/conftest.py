"""Small bundles, frames, and a node's configuration."""

import shutil
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper

from onboard import bundle as bundles
from onboard import files, strict_yaml
from onboard.calibration import Calibration, FrameThreshold, SizeGroup, TrackStatistic, TrackThreshold
from onboard.files import sha256
from onboard.fly.config import NodeConfig
from onboard.fly.guard import Guard
from onboard.wire import Header, PixelFormat
from tests.onboard import small_flight

SIDE = 96
BOX = (20.0, 20.0, 60.0, 60.0)


def picture(seed: int, most: int = 256) -> np.ndarray:
    """Coarse noise, uint8 [96, 96, 3]; none is black, saturated, or like another one."""
    coarse = np.random.default_rng(seed).integers(20, most, (8, 8, 3)).astype(np.uint8)
    return coarse.repeat(12, 0).repeat(12, 1)


def message(
    run: bytes, frame_id: int, pixels: np.ndarray, box: Any = BOX, age_ms: float = 0.0
) -> tuple[Header, memoryview]:
    """A frame message's header and payload."""
    now = time.monotonic_ns() - round(age_ms * 1e6)
    payload = memoryview(pixels.tobytes())
    source = "none" if box is None else "detector"
    header = Header(
        run, frame_id, now, now, now, SIDE, SIDE, 3 * SIDE, PixelFormat.RGB8, box, source,
        len(payload), zlib.crc32(payload),
    )  # fmt: skip
    return header, payload


def settle(guard: Guard, turn: Callable[[], None] | None = None) -> None:
    """Turn until no engine is being loaded in another one's place."""
    end = time.monotonic() + 10
    while guard.mending:
        assert time.monotonic() < end
        (turn or guard.tend)()
        time.sleep(0.001)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], threading.Event]]:
    """Storage that hangs: makes whoever opens a file of a bundle wait until the event that it gives is set."""
    ends: dict[Path, threading.Event] = {}
    real = files.open_regular

    def wait(path: Path, buffering: int = -1) -> BinaryIO:
        if path in ends:
            ends[path].wait(20)
        return real(path, buffering)

    monkeypatch.setattr(files, "open_regular", wait)
    yield lambda path: ends.setdefault(path, threading.Event())
    for end in ends.values():
        end.set()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small fused bundle, without calibration. Not to be changed."""
    return small_flight.write_bundle(tmp_path_factory.mktemp("small") / "bundle")


def with_extra(small: Path, folder: Path, nodes: list[Any], **constants: Any) -> Path:
    """The small bundle with a graph that adds `extra`, made by these nodes from `floats` [1, h, w, 3], to the logit."""
    shutil.copytree(small, folder)
    model = onnx.load(small / "model.onnx")
    graph = model.graph
    graph.node[-1].output[0] = "plain"
    graph.node.extend([helper.make_node("ReduceMean", ["floats"], ["light"], axes=[1, 2, 3], keepdims=0), *nodes])
    graph.node.append(helper.make_node("Add", ["plain", "extra"], ["debris_logit"]))
    graph.initializer.extend([onnx.numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()])
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, folder / "model.onnx")
    manifest = bundles.read(small).manifest
    files = {**manifest.files, "model.onnx": sha256(folder / "model.onnx")}
    bundles.write_manifest(folder, msgspec.structs.replace(manifest, files=files))
    return folder


@pytest.fixture
def moody(small: Path, tmp_path: Path) -> Path:
    """A bundle whose logit is not a number for dark windows: the root of what is above a level, less itself."""
    nodes = [
        helper.make_node("Sub", ["light", "level"], ["above"]),
        helper.make_node("Sqrt", ["above"], ["root"]),
        helper.make_node("Sub", ["root", "root"], ["extra"]),
    ]
    return with_extra(small, tmp_path / "moody", nodes, level=np.float32([60.0]))


@pytest.fixture
def slow(small: Path, tmp_path: Path) -> Path:
    """A bundle that takes tens of milliseconds a frame: products of large matrices, which count for nothing."""
    nodes = [
        helper.make_node("Mul", ["light", "ones"], ["one"]),
        helper.make_node("MatMul", ["one", "one"], ["two"]),
        helper.make_node("MatMul", ["two", "one"], ["three"]),
        helper.make_node("ReduceMean", ["three"], ["whole"], axes=[0, 1], keepdims=0),
        helper.make_node("Mul", ["whole", "nothing"], ["extra"]),
    ]
    constants = {"ones": np.ones((800, 800), np.float32), "nothing": np.float32([0.0])}
    return with_extra(small, tmp_path / "slow", nodes, **constants)


@pytest.fixture
def calibrated(small: Path, tmp_path: Path) -> Path:
    """The small bundle, calibrated so that every frame is debris, and every track from its fourth frame on."""
    folder = Path(shutil.copytree(small, tmp_path / "calibrated"))
    np.save(folder / "scores.npy", np.linspace(-1e6, -1e5, 40).astype(np.float32))
    np.save(folder / "maxima.npy", np.linspace(0.1, 10.0, 40))
    (folder / "images.bin").write_bytes(bytes(8))
    manifest = bundles.read(small).manifest
    names = ("scores.npy", "maxima.npy", "images.bin")
    files = {**manifest.files, **{name: sha256(folder / name) for name in names}}
    group = SizeGroup(0.0, None, 40, 2, -1e5, "scores.npy")
    frame = FrameThreshold(0.05, None, (group,), (SIDE, SIDE), "images.bin", "0" * 64, 0, 0.0, "2026-01-01")
    how = TrackStatistic("cusum", "log_p", 0.7, 0.0)
    track = TrackThreshold(0.05, 6, how, 40, 2, 10.0, "maxima.npy", "0" * 64, 0, 0.0, "2026-01-01")
    made = Calibration(files["model.onnx"], frame, track)
    bundles.write_manifest(folder, msgspec.structs.replace(manifest, files=files, calibration=made))
    return folder


@pytest.fixture
def configured(small: Path, tmp_path: Path) -> Callable[..., NodeConfig]:
    """A node's configuration; its keys may be replaced by dotted names."""

    def made(**more: Any) -> NodeConfig:
        path = tmp_path / "node.yaml"
        path.write_text(
            f"bundle: {small}\nsource: {{kind: ring, path: {tmp_path / 'camera'}}}\n"
            f"journal: {{ring: {tmp_path / 'journal'}, records: 1024}}\n"
            f"output: {{folder: {tmp_path / 'out'}}}\nstale_ms: 10000\n"
        )
        return strict_yaml.load(path, NodeConfig, {key.replace("__", "."): value for key, value in more.items()})

    return made
