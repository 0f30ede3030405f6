"""Engines built by the real builder, TensorRT for RTX, which needs no GPU for that."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from onboard import bundle as bundles
from onboard.__main__ import main
from onboard.detector import Detector
from onboard.trt.manifest import EngineManifest
from tests.onboard.trt.conftest import wrap

pytest.importorskip("tensorrt_rtx", reason="the builder is not on this platform")


def build(bundle: Path, *more: str) -> tuple[Path, EngineManifest]:
    out = bundle.parent / "engine"
    assert main(["build", str(bundle), "--runtime", "tensorrt_rtx", "--out", str(out), *more]) == 0
    return out, EngineManifest.load(out)


def refusal(bundle: Path, capsys: Any, *more: str) -> str:
    out = bundle.parent / "refused"
    assert main(["build", str(bundle), "--runtime", "tensorrt_rtx", "--out", str(out), *more]) == 2
    assert not out.exists()
    return str(capsys.readouterr().err)


def test_an_exported_bundle_becomes_an_engine_beside_it_and_still_flies(bundle: Path, capsys: Any) -> None:
    assert main(["build", str(bundle), "--runtime", "tensorrt_rtx", "--precision", "fp32"]) == 0
    (out,) = (bundle / "engines").iterdir()
    assert str(out / "model.engine") in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["engine.yaml", "model.engine", "timing.cache"]
    manifest, source = EngineManifest.load(out), Detector.load(bundle).bundle
    assert manifest.model_sha256 == source.manifest.files["model.onnx"]
    assert manifest.profiles == source.manifest.crop.windows == (256, 512, 1024)
    assert (manifest.precision, manifest.strongly_typed, manifest.tf32) == ("fp32", True, False)


def test_a_graph_with_float16_weights(small_bundle: Callable[..., Path]) -> None:
    _, manifest = build(small_bundle(half=True), "--precision", "fp16", "--workspace-mb", "64")
    assert (manifest.precision, manifest.workspace_mb) == ("fp16", 64)


def test_a_graph_quantised_by_onnx_runtime(small_bundle: Callable[..., Path]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Noise(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            draw = np.random.default_rng(0)
            box = np.float32([[60, 60, 190, 190]])
            self.left = [{"window": draw.integers(0, 256, (1, 256, 256, 3), np.uint8), "box": box} for _ in range(3)]

        def get_next(self) -> Any:
            return self.left.pop() if self.left else None

    bundle = small_bundle()
    options = {
        "ActivationSymmetric": True,
        "WeightSymmetric": True,
        "AddQDQPairToWeight": True,
        "DedicatedQDQPair": True,
        "QuantizeBias": False,
    }
    nodes = onnx.load(bundle / "model.onnx").graph.node
    quantize_static(
        bundle / "model.onnx",
        bundle / "int8.onnx",
        Noise(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        nodes_to_quantize=[n.name for n in nodes if n.op_type == "Conv"],
        extra_options=options,
    )
    _, manifest = build(wrap((bundle / "int8.onnx").rename(bundle / "model.onnx"), (256, 512)))
    assert manifest.precision == "int8"


def test_a_node_that_tensorrt_lacks_is_named(small_bundle: Callable[..., Path], capsys: Any) -> None:
    bundle = small_bundle()
    model = onnx.load(bundle / "model.onnx")
    node = onnx.helper.make_node("Det", ["rotation"], ["odd"], name="/pose/determinant")
    model.graph.node.append(node)
    model.graph.output.append(onnx.helper.make_tensor_value_info("odd", onnx.TensorProto.FLOAT, []))
    onnx.save(model, bundle / "model.onnx")
    message = refusal(wrap(bundle / "model.onnx", (256, 512)), capsys)
    assert "model.onnx" in message and "node '/pose/determinant' (Det): " in message


def test_a_fault_that_only_the_builder_finds_names_its_node(small_bundle: Callable[..., Path], capsys: Any) -> None:
    bundle = small_bundle()
    model = onnx.load(bundle / "model.onnx")
    first = next(node for node in model.graph.node if node.op_type == "Gemm")
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.zeros((1, 7), np.float32), "seven"),
    )
    model.graph.node.append(onnx.helper.make_node("Add", [first.output[0], "seven"], ["odd"], name="/pose/sum"))
    model.graph.output.append(onnx.helper.make_tensor_value_info("odd", onnx.TensorProto.FLOAT, [1, 7]))
    onnx.save(model, bundle / "model.onnx")
    assert "/pose/sum" in refusal(wrap(bundle / "model.onnx", (256, 512)), capsys)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--precision", "fp16"), "computes in fp32, --precision fp16 was asked for"),
        (("--dla", "0"), "a DLA computes in fp16 and int8 only"),
        (("--dla", "-1"), "the number of a DLA core is needed"),
        (("--workspace-mb", "0"), "--workspace-mb 0: 1 or more"),
    ],
)
def test_options_that_the_graph_does_not_allow(
    small_bundle: Callable[..., Path], capsys: Any, more: tuple[str, ...], said: str
) -> None:
    assert said in refusal(small_bundle(), capsys, *more)


def test_a_dla_takes_fixed_shapes_only_and_must_exist(small_bundle: Callable[..., Path], capsys: Any) -> None:
    bundle = small_bundle(half=True)
    assert "a DLA needs fixed shapes, the bundle has windows [256, 512]" in refusal(bundle, capsys, "--dla", "0")
    wrap(bundle / "model.onnx", (256,))
    assert "have 0 DLA cores" in refusal(bundle, capsys, "--dla", "0")


def test_an_altered_bundle_is_not_built(small_bundle: Callable[..., Path], capsys: Any) -> None:
    bundle = small_bundle()
    with (bundle / "model.onnx").open("ab") as file:
        file.write(b"\0")
    assert "was altered" in refusal(bundle, capsys)


def test_a_corrupt_timing_cache_is_dropped_with_a_warning(small_bundle: Callable[..., Path], capsys: Any) -> None:
    bundle = small_bundle()
    out, _ = build(bundle)
    build(bundle)
    assert "timing.cache" not in capsys.readouterr().out.replace("/timing.cache\n", "")
    (out / "timing.cache").write_bytes(b"no cache")
    build(bundle)
    assert f"{out / 'timing.cache'} is not what engine.yaml says; it is dropped" in capsys.readouterr().out
    assert (out / "timing.cache").read_bytes() != b"no cache"


STOPPED = """
import signal, sys
from onboard.trt import log
from onboard.__main__ import main
original = log.monitor
def stopping(trt, stopped):
    phases = original(trt, stopped)
    class Stopping(type(phases)):
        def step_complete(self, name, step):
            signal.raise_signal(signal.SIGINT)
            return super().step_complete(name, step)
    return Stopping()
log.monitor = stopping
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_leaves_nothing_half_written(small_bundle: Callable[..., Path]) -> None:
    bundle = small_bundle()
    command = [sys.executable, "-c", STOPPED, "build", str(bundle), "--runtime", "tensorrt_rtx"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stdout + done.stderr
    assert done.stderr.strip().endswith("stopped; nothing was written") and "Traceback" not in done.stderr
    assert not (bundle / "engines").exists()
    bundles.read(bundle)
