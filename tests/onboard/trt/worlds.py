"""A machine with a fake GPU, pycuda, driver and TensorRT, put where `onboard` looks for the real ones."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from onboard import bundle as bundles
from onboard.detector import Detector
from onboard.trt import libcuda
from onboard.trt.runtime import TrtEngine
from tests.onboard.small_flight import write_bundle
from tests.onboard.trt.fake_cuda import FakeGpu, pycuda_driver
from tests.onboard.trt.fake_libcuda import FakeLibCuda
from tests.onboard.trt.fake_tensorrt import FakeTensorRT, write_engine

MakeWorld = Callable[..., "World"]


@dataclass
class World:
    """A fake machine, a bundle on it and an engine of that bundle."""

    gpu: FakeGpu
    tensorrt: FakeTensorRT
    bundle: Path
    engine: Path

    def load(self) -> TrtEngine:
        return TrtEngine(bundles.read(self.bundle), self.engine)

    def detector(self) -> Detector:
        return Detector.load(self.bundle, engine=self.engine)


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeWorld:
    """Gives a machine; `changes` replace fields of the engine's manifest."""

    def make(
        played: tuple[str, str] = ("tensorrt", "10.3.0"),
        integrated: bool = False,
        bundle: Path | None = None,
        **changes: Any,
    ) -> World:
        gpu = FakeGpu(integrated=integrated)
        tensorrt = FakeTensorRT(gpu, *played)
        driver = FakeLibCuda(gpu)
        monkeypatch.setattr(libcuda, "load", lambda: driver)
        monkeypatch.setitem(sys.modules, played[0], tensorrt.module)
        monkeypatch.setitem(sys.modules, "pycuda", ModuleType("pycuda"))
        monkeypatch.setitem(sys.modules, "pycuda.driver", pycuda_driver(gpu))  # type: ignore[arg-type]
        bundle = bundle or write_bundle(tmp_path / "small")
        engine = write_engine(tmp_path / "engine", bundle, tensorrt.library(), gpu, **changes)
        return World(gpu, tensorrt, bundle, engine)

    return make
