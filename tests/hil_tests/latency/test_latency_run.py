"""One short real run on loopback: engine alone, node, end to end, under every condition."""

import json
from pathlib import Path

import pytest

from hil_tests import __main__ as program
from onboard import strict_yaml
from tests.conftest import Drawn
from tests.onboard import small_flight

# As trtexec 10 writes it, of a machine and a network that are not here.
REPORT = """[01/02/2026-03:04:05] [I] Selected Device: Some GPU
[01/02/2026-03:04:05] [I] === Performance summary ===
[01/02/2026-03:04:05] [I] Throughput: 100 qps
[01/02/2026-03:04:05] [I] Latency: min = 1 ms, max = 3 ms, mean = 2 ms, median = 2 ms, percentile(99%) = 3 ms
&&&& PASSED TensorRT.trtexec [TensorRT v100300] # trtexec --onnx=model.onnx
"""


@pytest.fixture(scope="module")
def settings(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latency")
    small_flight.write_bundle(folder / "bundle", (256,))
    bounds = [
        {"figure": "ledger_errors", "at_most": 0},  # the campaign's, in the same file
        {"figure": "engine_ms.warm.256.p50", "at_most": 1000},
        {"figure": "node_ms.warm.infer.p50", "at_most": 1e-6},
    ]
    (folder / "limits.yaml").write_text(strict_yaml.dump({"limits": bounds}))
    bench = {
        "stream": {"data": str(drawn.root), "pictures": 10, "rate_hz": 50},
        "node": {"bundle": str(folder / "bundle")},
        "limits": str(folder / "limits.yaml"),
    }
    (folder / "bench.yaml").write_text(strict_yaml.dump(bench))
    counts = {"engine_calls": 20, "paced_calls": 3, "frames": 20, "warm_up": 5, "cold_starts": 1, "cold_frames": 3}
    setup = {"bench": str(folder / "bench.yaml"), **counts, "busy_processes": 1}
    (folder / "latency.yaml").write_text(strict_yaml.dump(setup))
    return folder / "latency.yaml"


def test_all_conditions_are_measured_and_judged(settings: Path, tmp_path: Path) -> None:
    code = program.main(["latency", str(settings), "--out", str(tmp_path)])
    found = json.loads((tmp_path / "latency.json").read_text())
    assert [each["mark"] for each in found["limits"]] == ["pass", "FAIL"]  # the campaign's limit is not its business
    assert code == 1
    for condition, calls in (("warm", 20), ("paced", 3), ("loaded", 20), ("cold", 3)):
        assert len(found["engine_ms"][condition]["256"]["starts"][0]) == calls
        assert found["figures"][f"engine_ms.{condition}.256.max"] > 0
    frames = found["node"]["warm"]["starts"][0]
    assert len(frames) > 10  # on a busy computer some are overtaken
    for each in frames:
        assert each["end_to_end"] == pytest.approx(each["camera"] + each["total"] + each["link"])
        assert each["total"] > each["infer"] > 0
        assert each["link"] > 0
        assert each["window"] == "256"
    assert found["node"]["cold"]["ready_s"][0] > 0.1
    assert found["window"] == "256"
    assert found["states"]["node, loaded"][1]["load"] >= 0
    page = (tmp_path / "latency.html").read_text()
    assert "1 limits not held" in page
    assert page.count("data:image/png;base64,") == 2


def test_a_report_of_another_engine_is_refused_before_anything_is_measured(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "trtexec.log"
    report.write_text(REPORT)
    assert program.main(["latency", str(settings), "--trtexec", str(report), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "onnxruntime" in said
    assert "--other-machine" in said
    assert not (tmp_path / "out" / "latency.json").exists()
