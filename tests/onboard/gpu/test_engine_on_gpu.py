"""An engine built and flown on a real GPU: pytest -m gpu tests/onboard/gpu. See docs/jetson.md; needs no torch."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from onboard import bundle as bundles
from onboard.__main__ import main
from onboard.bundle import Bundle
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.runtime_ort import OrtEngine
from onboard.trt import gpu as gpus
from onboard.trt import library
from onboard.trt.build import Options, build
from onboard.trt.manifest import ENGINE
from onboard.trt.runtime import TrtEngine
from tests.onboard.small_flight import SIZES, window, write_bundle

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Path]:
    """A small bundle and its engine, built here; skips where that cannot be."""
    if gpus.find() == gpus.Gpu():
        pytest.skip("no GPU that CUDA's driver can use")
    try:
        library.load()
        importlib.import_module("pycuda.driver")
    except (InputError, ImportError) as error:
        pytest.skip(str(error))
    folder = write_bundle(tmp_path_factory.mktemp("gpu") / "small")
    return bundles.read(folder), build(folder, Options())


@pytest.fixture
def engine(built: tuple[Bundle, Path]):  # type: ignore[no-untyped-def]
    engine = TrtEngine(*built)
    yield engine
    engine.close()


def test_it_gives_what_onnx_runtime_gives_for_windows_of_changing_size(
    built: tuple[Bundle, Path], engine: TrtEngine
) -> None:
    by_onnxruntime = OrtEngine(built[0])
    for seed in range(20):
        shown = window(SIZES[seed % len(SIZES)], seed)
        found, wanted = engine.run(shown), by_onnxruntime.run(shown)
        assert sorted(found) == sorted(wanted) == ["debris_logit", "rotation"]
        for name, array in wanted.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=1e-3, err_msg=f"{name}, seed {seed}")


def test_a_cuda_graph_is_captured_for_every_window_size(engine: TrtEngine) -> None:
    assert engine.graph_states == dict.fromkeys(SIZES, "captured")


def test_the_times_are_positive_and_no_longer_than_a_second(engine: TrtEngine) -> None:
    engine.run(window(SIZES[-1], 1))
    times = engine.times_ms()
    assert sorted(times) == ["compute", "d2h", "h2d"]
    assert 0 < times["compute"] < 1000 and 0 <= times["h2d"] < 1000 and 0 <= times["d2h"] < 1000


def test_a_detector_flies_it_and_gives_the_known_answers(built: tuple[Bundle, Path]) -> None:
    bundle, folder = built
    detector = Detector.load(bundle.folder, engine=folder)
    answer = detector(np.full((200, 200, 3), 90, np.uint8), (60, 60, 90, 95))
    plain = Detector.load(bundle.folder)(np.full((200, 200, 3), 90, np.uint8), (60, 60, 90, 95))
    assert answer.logit == pytest.approx(plain.logit, rel=1e-3, abs=1e-3)
    assert sorted(answer.outputs) == ["rotation"]


def test_one_changed_byte_is_refused_with_the_command_that_builds_it_anew(
    built: tuple[Bundle, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, folder = built
    right = (folder / ENGINE).read_bytes()
    wrong = bytearray(right)
    wrong[len(wrong) // 2] ^= 1
    (folder / ENGINE).write_bytes(bytes(wrong))
    try:
        assert main(["verify", str(bundle.folder), "--engine", str(folder)]) == 2
    finally:
        (folder / ENGINE).write_bytes(right)
    said = capsys.readouterr().err
    assert "it was altered: build it again: python -m onboard build" in said
