"""A pose network, the bundle fused from it, and frames."""

from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from onboard import bundle as bundles
from onboard import files
from onboard.crop_spec import CropSpec
from tests.onboard.trt.conftest import wrap
from tests.onboard.trt.worlds import make_world as make_world
from train.crop import Crop
from train.export.contents import tensors
from train.fuse import merge, parts
from train.onnx_model.ports import ImagePort

SPEC = CropSpec(input_px=64, windows=(256,))
PORT = ImagePort("image", "float32", False, 1, "", 3, 64, 64)
OUTPUTS = """
pose_outputs:
  rotation: {kind: quaternion}
  translation: {kind: translation}
  corners: {kind: keypoints, scale: 64}
"""


class Pose(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 8, 5, 4), nn.Linear(8, 11)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        pooled = self.conv(image).relu().mean(dim=(2, 3))
        found = self.linear(pooled)
        return found[:, :4], found[:, 4:7], found[:, 7:].reshape(1, 2, 2), pooled


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pose.onnx`, the bundle fused from it, and `frames`. Not to be changed."""
    folder = tmp_path_factory.mktemp("compared")
    torch.manual_seed(0)
    names = ["rotation", "translation", "corners", "pooled"]
    torch.onnx.export(
        Pose().eval(), (torch.zeros(1, 3, 64, 64),), str(folder / "pose.onnx"), dynamo=False, opset_version=17,
        input_names=["image"], output_names=names,
    )  # fmt: skip
    pose = onnx.load(str(folder / "pose.onnx"))
    head = helper.make_graph(
        [helper.make_node("ReduceSum", ["tap_0"], ["debris_logit"])],
        "head",
        [helper.make_tensor_value_info("tap_0", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("debris_logit", TensorProto.FLOAT, [1, 1])],
    )
    behind = helper.make_model(head, opset_imports=[helper.make_opsetid("", 17)])
    before = parts.preprocessing(Crop(SPEC, (127.0,) * 3, (128.0,) * 3), PORT, SPEC, 17)
    whole = merge.with_preprocessing(
        merge.with_head(pose, behind, ["pooled"], Path("pose")), before, PORT, Path("pose")
    )
    (folder / "bundle").mkdir()
    onnx.save(whole, str(folder / "bundle/model.onnx"))
    onnx.save(before, str(folder / "bundle/crop.onnx"))
    wrap(folder / "bundle/model.onnx", SPEC.windows)
    manifest = bundles.read(folder / "bundle").manifest
    hashes = {**manifest.files, "crop.onnx": files.sha256(folder / "bundle/crop.onnx")}
    backbone = {
        "pose_sha256": files.sha256(folder / "pose.onnx"),
        "pose_weights_bytes": "2000",
        "weights_bytes": "2500",
    }
    outputs = tensors(folder / "bundle/model.onnx", "output")
    fused = msgspec.structs.replace(
        manifest, files=hashes, preprocessing="crop.onnx", backbone=backbone, outputs=outputs
    )
    bundles.write_manifest(folder / "bundle", fused)
    frames = folder / "frames"
    frames.mkdir()
    for n in range(4):
        cv2.imwrite(str(frames / f"{n}.png"), np.random.default_rng(n).integers(0, 256, (120, 160, 3)).astype(np.uint8))
    (frames / "broken.png").write_bytes(b"no image")
    rows = ["filename,x_min,y_min,x_max,y_max", *(f"{n}.png,10,10,90,{60 + n}" for n in range(3))]
    (frames / "boxes.csv").write_text("\n".join([*rows, "3.png,500,500,600,600", "broken.png,1,1,50,50"]))
    (folder / "outputs.yaml").write_text(OUTPUTS)
    return folder
