"""What is read from trtexec's reports: real ones where they are at hand, and logs with every known mishap."""

import json
from pathlib import Path

import pytest

from hil_tests.__main__ import main
from hil_tests.trtexec import exports
from hil_tests.trtexec.parse import parse
from hil_tests.trtexec.report import report
from onboard.errors import InputError

LOG = """&&&& RUNNING TensorRT.trtexec [TensorRT v{digits}] [b11] # trtexec --onnx=m.onnx
[01/02/2026-03:04:05] [I] Precision: {precision}
[01/02/2026-03:04:05] [I] Data transfers: Enabled
[01/02/2026-03:04:05] [I] CUDA Graph: Disabled
[01/02/2026-03:04:05] [I] Selected Device: Board
[01/02/2026-03:04:05] [I] === Performance summary ===
[01/02/2026-03:04:05] [I] Throughput: 90.5 qps
[01/02/2026-03:04:05] [I] Latency: min = 1e-05 ms, max = inf ms, mean = 3 ms, median = 2.5 ms, percentile(99%) = 9 ms
[01/02/2026-03:04:05] [I] H2D Latency: min = 0.5 ms, max = 0.5 ms, mean = 0.5 ms, median = 0.5 ms
[01/02/2026-03:04:05] [I] GPU Compute Time: min = 1 ms, max = 3 ms, mean = 2 ms, median = {gpu} ms
[01/02/2026-03:04:05] [V] Latency: the summation of H2D Latency, GPU Compute Time, and D2H Latency.
&&&& PASSED TensorRT.trtexec [TensorRT v{digits}] [b11] # trtexec --onnx=m.onnx
"""


def write(path: Path, digits: str = "101601", precision: str = "FP32", gpu: float = 2.0) -> Path:
    path.write_text(LOG.format(digits=digits, precision=precision, gpu=gpu))
    return path


@pytest.mark.parametrize(
    ("name", "qps", "latency_median", "latency_p99", "h2d_max", "gpu_mean", "transfers", "graph", "version"),
    [
        ("8.5.2_jetson_orin_nano_fp16_summary", 97.8649, 10.7972, 10.9744, 0.373962, 10.1824, True, False, "8.5.2"),
        ("8.6.0_verbose_full", 21009.2, 0.0517578, 0.0630798, 0.131775, 0.0451127, True, False, "8.6.0"),
        ("10.3.0_jetson_noDataTransfers_summary", 318.007, 3.14062, 3.15039, 0, 3.14068, False, False, "10.3.0"),
        ("10.16.1_onnx_default", 15374.3, 0.0440674, 0.0512695, 0.108398, 0.0359588, True, False, "10.16.1"),
        ("10.16.1_noDataTransfers_cudaGraph_verbose", 24896.9, 0.0388184, 0.0390625, 0, 0.0387646, False, True, "10.16.1"),  # noqa: E501
        ("10.16.1_dumpProfile_exportTimes", None, None, None, None, None, True, False, "10.16.1"),
    ],
)  # fmt: skip
def test_real_reports_give_the_numbers_in_their_text(
    shared_folder: Path,
    name: str,
    qps: float | None,
    latency_median: float | None,
    latency_p99: float | None,
    h2d_max: float | None,
    gpu_mean: float | None,
    transfers: bool,
    graph: bool,
    version: str,
) -> None:
    path = shared_folder / "trtexec" / f"trtexec_{name}.log"
    if not path.exists():
        pytest.skip("the real trtexec logs are not here (set DEBRIS_SHARED to their folder's parent)")
    found = parse(path).plain()
    figures = (found["throughput_qps"], found["latency_ms"]["median"], found["latency_ms"]["p99"])
    assert figures == (qps, latency_median, latency_p99)
    assert (found["h2d_ms"]["max"], found["gpu_compute_ms"]["mean"]) == (h2d_max, gpu_mean)
    assert (found["data_transfers"], found["cuda_graph"], found["version"]) == (transfers, graph, version)
    assert found["passed"] is True


def test_a_log_of_7_is_refused_by_its_version(shared_folder: Path) -> None:
    path = shared_folder / "trtexec" / "trtexec_7.1_jetson_oldformat.log"
    if not path.exists():
        pytest.skip("the real trtexec logs are not here (set DEBRIS_SHARED to their folder's parent)")
    with pytest.raises(InputError, match=r"before 8\.0"):
        parse(path)


def test_8_2_is_refused_and_11_has_its_own_defaults(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"8\.2\.1"):
        parse(write(tmp_path / "old.log", "8201"))
    text = "&&&& PASSED TensorRT.trtexec [TensorRT v110400] [b2] # trtexec --loadEngine=a.plan\n"
    (tmp_path / "new.log").write_text(text)
    new = parse(tmp_path / "new.log")
    assert (new.version, new.data_transfers, new.cuda_graph) == ("11.4.0", False, True)


def test_cut_anywhere_no_figure_is_wrong(tmp_path: Path) -> None:
    whole = parse(write(tmp_path / "whole.log")).plain()
    assert whole["latency_ms"]["min"] == 1e-05 and whole["latency_ms"]["max"] is None
    text = (tmp_path / "whole.log").read_text()
    for end in range(100, len(text), 3):
        (tmp_path / "cut.log").write_text(text[:end])
        cut = parse(tmp_path / "cut.log").plain()
        assert cut["throughput_qps"] in (None, whole["throughput_qps"])
        for kind in ("latency_ms", "h2d_ms", "gpu_compute_ms"):
            assert all(value in (None, whole[kind][name]) for name, value in cut[kind].items()), text[:end][-60:]


def test_prefixes_colours_and_utf16_do_not_matter(tmp_path: Path) -> None:
    plain = parse(write(tmp_path / "a.log")).plain()
    dressed = "".join(f"[node-1] \x1b[32m{line}\x1b[0m\r\nother: Latency 7 ms\r\n" for line in LOG.splitlines())
    (tmp_path / "b.log").write_bytes(dressed.format(digits="101601", precision="FP32", gpu=2.0).encode("utf-16"))
    assert parse(tmp_path / "b.log").plain() == plain


def test_of_several_runs_the_last_whole_one_counts(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1", gpu=2).read_text(), write(tmp_path / "2", gpu=4).read_text()
    (tmp_path / "both.log").write_text(one + two + one[:300])
    found = parse(tmp_path / "both.log").plain()
    assert found["gpu_compute_ms"]["median"] == 4.0 and "3 runs" in found["warnings"][0]


def test_cost_is_fused_less_pose_and_unlike_settings_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fused, pose = write(tmp_path / "f.log", gpu=2.02), write(tmp_path / "p.log", gpu=2.0)
    assert main(["trtexec-report", str(fused), "--pose", str(pose), "--json", "-", "--out", str(tmp_path / "o")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["marginal"]["ms"] == pytest.approx(0.02) and found["marginal"]["percent"] == pytest.approx(1.0)
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"report.md", "report.json", "report.png"}
    with pytest.raises(InputError, match=r"precision is FP32 in .*FP32\+FP16"):
        report(fused, write(tmp_path / "q.log", precision="FP32+FP16"))


@pytest.mark.parametrize(
    ("flag", "told"),
    [("--noTF32", "tf32 is False"), ("--useDLACore=0", "dla_core is 0"), ("--infStreams=2", "streams is 2")],
)
def test_flags_that_make_figures_unlike_are_told(tmp_path: Path, flag: str, told: str) -> None:
    fused, pose = write(tmp_path / "f.log"), write(tmp_path / "p.log")
    fused.write_text(fused.read_text().replace("--onnx=m.onnx", f"--onnx=m.onnx {flag}"))
    with pytest.raises(InputError, match=told):
        report(fused, pose)


def test_times_of_the_last_run_and_the_heads_share(tmp_path: Path) -> None:
    runs = [[{"latencyMs": 99}], [{"latencyMs": value} for value in range(1, 101)]]
    (tmp_path / "t.json").write_text("\n".join(json.dumps(run) for run in runs))
    assert exports.times(tmp_path / "t.json") == {
        "runs": 2, "count": 100, "p50": 50, "p90": 91, "p95": 95, "p99": 99, "p99.9": 100,
    }  # fmt: skip
    rows = [{"count": 5}, {"name": "conv", "averageMs": 3}, {"name": "__myl_1", "averageMs": 1}]
    (tmp_path / "p.json").write_text(json.dumps(rows))
    layers = {"Layers": [{"Name": "__myl_1", "Metadata": "[ONNX Layer: debris_fc]"}], "I/O Tensors": []}
    (tmp_path / "l.json").write_text(json.dumps(layers))
    none = exports.head_share({"conv1": 2.0}, {}, "debris")
    assert none["ms"] is None and none["percent"] is None, "unknown is not 0"
    share = exports.head_share(
        exports.profile(tmp_path / "p.json"), exports.layer_origins(tmp_path / "l.json"), "debris"
    )
    assert share["percent"] == 25.0
