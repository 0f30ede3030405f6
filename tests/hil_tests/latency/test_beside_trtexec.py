"""What trtexec tells, whether it is of this engine, and what lies between its time and the verdict's."""

from pathlib import Path

import pytest

from hil_tests.latency import same_engine, steps, tables, trtexec
from hil_tests.latency.engine_alone import EngineTimes
from hil_tests.latency.frames import Frame, NodeTimes
from hil_tests.latency.measured import Measured
from hil_tests.latency.trtexec import Trtexec
from hil_tests.trtexec.figures import Report
from onboard import bundle as bundles
from onboard.bundle import Bundle
from onboard.errors import InputError
from tests.onboard import small_flight

ABOUT = {
    "library": "tensorrt",
    "version": "10.3.0.26",
    "gpu": "Orin Nano (compute capability 8.7)",
    "dla_core": None,
    "engine_sha256": "0" * 64,
    "cuda_graphs": {"64": "captured"},
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundles.read(small_flight.write_bundle(tmp_path_factory.mktemp("beside") / "bundle"))


def run_of(bundle: Bundle, **given: object) -> Trtexec:
    report = Report("fused_64.log", version="10.3.0", device="Orin Nano", dla_core="none", cuda_graph=True)
    report.statistics = {"gpu_compute_ms": {"median": 2.0}, "latency_ms": {"median": 2.5}}
    for name, value in given.items():
        setattr(report, name, value)
    command = f"trtexec --onnx={bundle.folder / 'model.onnx'} --shapes=window:1x64x64x3,box:1x4"
    return Trtexec([Path("fused_64.log")], report, command)


def test_real_reports(shared_folder: Path) -> None:
    folder = shared_folder / "trtexec"
    if not folder.is_dir():
        pytest.skip("no real reports of trtexec here")
    orin = trtexec.read([folder / "trtexec_8.5.2_jetson_orin_nano_fp16_summary.log"])
    assert [orin.median(name) for name in ("h2d", "compute", "d2h", "latency", "enqueue")] == [
        0.310486, 10.1851, 0.298584, 10.7972, 1.19873,
    ]  # fmt: skip
    old = trtexec.read([folder / f"export{kind}_7.1_jetson_first_run.json" for kind in ("Times", "Profile")])
    assert old.median("latency") == 3.099
    assert old.layers_ms == pytest.approx(3.0319, abs=1e-3)
    other = trtexec.read([folder / "trtexec_10.16.1_onnx_default.log"])
    assert list(other.inputs) == ["x"]
    with pytest.raises(InputError, match="a second log"):
        trtexec.read([folder / "trtexec_10.16.1_onnx_default.log", folder / "trtexec_8.6.0_verbose_full.log"])


def test_the_same_engine_is_told_from_another(bundle: Bundle) -> None:
    assert same_engine.compare(run_of(bundle), ABOUT, bundle).differs == []
    for changed, word in (
        ({"version": "10.7.0"}, "TensorRT is 10.7.0"),
        ({"device": "Orin"}, "GPU is Orin in"),
        ({"dla_core": "0"}, "DLA core is 0"),
    ):
        (differs,) = same_engine.compare(run_of(bundle, **changed), ABOUT, bundle).differs
        assert word in differs
    other = run_of(bundle)
    other.command = other.command.replace("64x64", "96x96")
    assert "window is 96 px" in same_engine.compare(other, ABOUT, bundle).differs[0]
    other.command = f"trtexec --loadEngine={bundle.folder / 'manifest.yaml'} --shapes=window:1x64x64x3"
    assert "by its SHA-256" in same_engine.compare(other, ABOUT, bundle).differs[0]
    assert same_engine.compare(run_of(bundle, cuda_graph=False), ABOUT, bundle).notes


def test_levels_from_the_kernels_to_the_verdict(bundle: Bundle) -> None:
    inside = {"h2d": [0.2] * 3, "compute": [2.2] * 3, "d2h": [0.1] * 3}
    frame = Frame("64", camera=6, read=0.5, find=0, window_ms=0.1, infer=4, total=4.6, link=1.4, end_to_end=12)
    other = Frame("128", 6, 0.5, 0, 0.1, infer=40, total=41, link=1, end_to_end=48)
    found = Measured({}, {}, trtexec=run_of(bundle))
    found.engine = {"warm": {"64": EngineTimes([[3.0] * 3], inside)}, "paced": {"64": EngineTimes([[3.5] * 3])}}
    found.node = {"warm": NodeTimes([[frame, other, other]], 3)}
    found.same = same_engine.compare(run_of(bundle), ABOUT, bundle)
    window = steps.window_of(found)
    assert window == "64"
    made = steps.steps(found, window)
    assert [each.ms for each in made] == pytest.approx([2, 2.5, 2.5, 3, 3.5, 4, 4.6, 6, 12])
    assert [each.more for each in made[1:]] == pytest.approx([0.5, 0, 0.5, 0.5, 0.5, 0.6, 1.4, 6])
    assert ("whole call (infer)", "2.500", "3.000", "4.000") in tables.sides(found, window)
    found.same.differs.append("another machine")
    assert steps.window_of(found) == "128"  # what most frames have
    assert steps.steps(found, "64")[0].name == "engine alone: on the GPU"
