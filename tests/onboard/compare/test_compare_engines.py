"""TensorRT engines in the comparison, on the fake GPU: whose engines compute what ONNX Runtime does."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from onboard.__main__ import main
from tests.onboard.trt.worlds import MakeWorld


def pose_engine(made: Path, target: Path) -> Path:
    """The pose network as an engine of the fake."""
    target.write_bytes(b"[0]\n" + (made / "pose.onnx").read_bytes())
    return target


@pytest.mark.parametrize("integrated", [False, True])
def test_two_engines(made: Path, make_world: MakeWorld, tmp_path: Path, integrated: bool) -> None:
    world, out = make_world(bundle=made / "bundle", integrated=integrated), tmp_path / "found.json"
    old = pose_engine(made, tmp_path / "old.engine")
    words = ["compare-pose", str(old), str(made / "bundle"), str(made / "frames"), "--json", str(out)]
    assert main([*words, "--engine", str(world.engine), "--max-relative", "1e-5"]) == 0
    told = json.loads(out.read_text())
    assert told["frames"] == 3 and told["passed"] is True
    assert told["pose"]["runtime"] == "tensorrt 10.3.0" and told["bundle"]["runtime"].startswith(
        "tensorrt 10.3.0 on Orin"
    )
    assert told["memory"]["fused"]["file_bytes"] == (world.engine / "model.engine").stat().st_size
    assert told["memory"]["pose"]["host_bytes"] is None and told["memory"]["more"]["weights_bytes"] is None
    assert not world.gpu.stack(), "no context is left current"
    world.tensorrt.drift = 1.0  # both engines drift alike, ONNX Runtime does not
    assert main([*words, "--engine", str(world.engine), "--max-relative", "1e-5"]) == 0
    assert main([*words, "--max-relative", "0.01"]) == 1


def test_an_engine_that_cannot_be_read_or_run_is_named(
    made: Path, make_world: MakeWorld, tmp_path: Path, capsys: Any
) -> None:
    world = make_world(bundle=made / "bundle")
    old = pose_engine(made, tmp_path / "old.engine")
    words = ["compare-pose", str(old), str(made / "bundle"), str(made / "frames")]
    for refused, said in (
        ("deserialize_cuda_engine", "old.engine: TensorRT cannot read the engine (API Usage Error"),
        ("set_input_shape:image", "old.engine: input image cannot have the shape [1, 3, 64, 64]"),
    ):
        world.tensorrt.refused = {refused}
        assert main(words) == 2
        assert said in capsys.readouterr().err


def test_where_no_tensorrt_is_the_message_says_so(made: Path, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    old = pose_engine(made, tmp_path / "old.engine")
    assert main(["compare-pose", str(old), str(made / "bundle"), str(made / "frames")]) == 2
    assert "not installed for this Python" in capsys.readouterr().err
