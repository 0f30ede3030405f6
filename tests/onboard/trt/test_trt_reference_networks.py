"""The real builder takes the reference pose network with a debris head, in float32 and float16.

On a network of mobile blocks and on a residual one; a ResNet-50 is made of the same operators as a ResNet-18.
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from onboard.__main__ import main
from onboard.crop_spec import CropSpec
from onboard.trt.manifest import EngineManifest
from tests.onboard.trt.conftest import wrap
from train.crop import Crop
from train.fuse import merge, parts
from train.half.convert import convert
from train.half.keep import kept
from train.onnx_model import taps
from train.onnx_model.ports import image_port
from train.onnx_model.shapes import kinds
from train.pose import network
from train.pose.export import write_onnx
from train.pose.network import INPUT_PX, reference_pose_network

pytest.importorskip("tensorrt_rtx", reason="the builder is not on this platform")
SPEC = CropSpec(input_px=INPUT_PX, windows=(256,))


def build(model: onnx.ModelProto, folder: Path, precision: str) -> int:
    """Bytes of the engine."""
    folder.mkdir()
    onnx.save(model, folder / "model.onnx")
    bundle = wrap(folder / "model.onnx", SPEC.windows)
    assert (
        main(["build", str(bundle), "--runtime", "tensorrt_rtx", "--out", str(folder), "--precision", precision]) == 0
    )
    assert EngineManifest.load(folder).precision == precision
    return (folder / "model.engine").stat().st_size


@pytest.mark.parametrize(("trunk", "quaternion"), [("efficientnet_lite0", True), ("resnet18", False)])
def test_an_engine_in_both_precisions(
    trunk: str, quaternion: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the second trunk the rotation stays six numbers: its quaternion's many layers take most of a build."""
    if not quaternion:
        for step in ("orthonormal", "matrix_to_quaternion"):
            monkeypatch.setattr(network, step, lambda numbers: numbers)
    path = tmp_path / "pose.onnx"
    write_onnx(reference_pose_network(trunk), path)
    pose = onnx.load(str(path))
    port = image_port(pose, path)
    tap = taps.find(pose, port, INPUT_PX, INPUT_PX)[-1]
    head = nn.Sequential(nn.Linear(tap.shape[1], 32), nn.LeakyReLU(), nn.Linear(32, 1))
    known = [kinds(pose, port, INPUT_PX, INPUT_PX)[tap.name]]
    behind = parts.head(parts.TapHead(["pooled"], ["pooled"], head), known, None, 17)
    before = parts.preprocessing(Crop(SPEC, (127.0,) * 3, (128.0,) * 3), port, SPEC, 17)
    full = merge.with_head(pose, behind, [tap.name], path)
    image = torch.randn(1, 3, INPUT_PX, INPUT_PX, generator=torch.Generator().manual_seed(0)).numpy()
    half = convert(full, kept(full, "image", [{"image": image.astype(np.float32)}]).nodes)
    sizes = [
        build(merge.with_preprocessing(model, before, port, path), tmp_path / precision, precision)
        for model, precision in ((full, "fp32"), (half, "fp16"))
    ]
    assert sizes[0] - sizes[1] > 0.4 * path.stat().st_size, "float16 weights reach the engine"
