"""A real bundle flown by an engine on the fake GPU, from the command line: the verdicts are ONNX Runtime's."""

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from onboard import strict_yaml
from onboard.__main__ import main
from onboard.trt import gpu as gpus
from onboard.trt.manifest import MANIFEST, EngineManifest
from tests.onboard.small_flight import write_bundle
from tests.onboard.trt.worlds import MakeWorld

SAME = ("frame", "status", "reason", "logit", "anomaly_score", "p_value", "is_debris", "bundle")


def boxes(root: Path, path: Path) -> Path:
    with (root / "val.csv").open() as file:
        rows = [(row["filename"], json.loads(row["bbox"])) for row in csv.DictReader(file)]
    lines = [f"{name},{box[1]},{box[0]},{box[3]},{box[2]}" for name, box in rows]
    path.write_text("\n".join(["filename,x_min,y_min,x_max,y_max", *lines]))
    return path


def fly(bundle: Path, root: Path, out: Path, *more: str) -> list[dict[str, Any]]:
    config = out.with_suffix(".yaml")
    config.write_text(
        f"bundle: {bundle}\nsource: {{folder: {root / 'val'}, boxes: {boxes(root, out.with_suffix('.csv'))}}}\n"
        f"false_alarm_rate: 0.1\noutput: {{folder: {out}}}\n"
    )
    assert main(["run", str(config), *more]) == 0
    return [json.loads(line) for line in (out / "verdicts.jsonl").read_text().splitlines()]


def test_the_verdicts_of_an_engine_are_those_of_onnx_runtime(
    make_world: MakeWorld, bundle: Path, drawn: Any, tmp_path: Path
) -> None:
    world = make_world(bundle=bundle)
    by_onnxruntime = fly(bundle, drawn.root, tmp_path / "plain")
    by_engine = fly(bundle, drawn.root, tmp_path / "engine_flight", "--engine", str(world.engine))
    assert len(by_engine) == 30 and {verdict["is_debris"] for verdict in by_engine} == {True, False}
    assert [[v[key] for key in SAME] for v in by_engine] == [[v[key] for key in SAME] for v in by_onnxruntime]
    latency = json.loads((tmp_path / "engine_flight" / "summary.json").read_text())["latency_ms"]
    assert list(latency) == ["read", "window", "infer", "total", "h2d", "compute", "d2h"]
    assert latency["compute"] == {"p50": 1.0, "p99": 1.0, "max": 1.0}
    flown = [yaml.safe_load((tmp_path / name / "run.yaml").read_text()) for name in ("plain", "engine_flight")]
    assert flown[0]["provenance"]["engine"]["library"] == "onnxruntime"
    record = flown[1]["provenance"]["engine"]
    assert (record["library"], record["version"], record["precision"]) == ("tensorrt", "10.3.0", "fp32")
    assert record["cuda_graphs"] == dict.fromkeys(("256", "512", "1024"), "captured")
    assert flown[1]["config"]["runtime"]["engine"] == str(world.engine)


def test_verify_checks_an_engine_and_tells_of_it(make_world: MakeWorld, capsys: Any) -> None:
    world = make_world()
    assert main(["verify", str(world.bundle), "--engine", str(world.engine)]) == 0
    said = capsys.readouterr().out
    assert "2 known answers given" in said and "gpu: Orin (compute capability 8.7)" in said
    world.tensorrt.drift = 1.0
    assert main(["verify", str(world.bundle), "--engine", str(world.engine)]) == 2
    assert "do not fly this bundle here" in capsys.readouterr().err
    assert main(["verify", str(world.bundle)]) == 0


def test_a_real_tensorrt_that_finds_no_driver_says_so(make_world: MakeWorld, tmp_path: Path, capsys: Any) -> None:
    """All is fake but TensorRT for RTX itself, with an engine of its own making."""
    trt = pytest.importorskip("tensorrt_rtx", reason="the builder is not on this platform")
    if gpus.find() != gpus.Gpu():
        pytest.skip("there is a GPU: tests/onboard/gpu flies it")
    bundle, engine = write_bundle(tmp_path / "flown"), tmp_path / "real"
    assert main(["build", str(bundle), "--runtime", "tensorrt_rtx", "--out", str(engine)]) == 0
    world = make_world(bundle=bundle)
    fits = msgspec.structs.replace(EngineManifest.load(engine), gpu=gpus.find())
    (engine / MANIFEST).write_text(strict_yaml.dump(fits))
    assert main(["verify", str(bundle), "--engine", str(engine)]) == 2
    said = capsys.readouterr().err
    assert "TensorRT cannot read the engine (" in said and "CUDA driver version is insufficient" in said
    assert f"--runtime {trt.__name__}" in said and not world.gpu.stack()
