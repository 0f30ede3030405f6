"""A small pose network and a run fitted on its features."""

import warnings
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from tests.once import made_once
from train import runs
from train.config import load
from train.fit import fit

HEIGHT, WIDTH = 96, 128
TAP_MODULE = "/trunk/layer3/layer3.1/relu_1/Relu_output_0"

CONFIG = """
seed: 3
data: {{kind: spark, root: {root}, calibration_fraction: 0.3}}
crop: {crop}
backbone: {{onnx: {onnx}, tap: {tap}, normalisation: unit}}
layers: {layers}
head: {{kind: gaussian, form: single}}
cache: {cache}
"""

CROP = "{input_px: [96, 128], channels: bgr, margin: 0.1}"
FRAMES = "{view: frame, frame_px: [320, 320], resize: pad, input_px: [96, 128], channels: bgr, margin: 0.1}"


class Trunk(nn.Module):
    """A ResNet-18 of a quarter of the channels: the same operators under the same names, a sixteenth of the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(_block(before, after), _block(after, after))
            for before, after in ((16, 16), (16, 32), (32, 64), (64, 128))
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)

    def forward(self, image: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        return self.avgpool(self.layer4(self.layer3(self.layer2(self.layer1(x))))).flatten(1)


def _block(before: int, after: int) -> BasicBlock:
    if before == after:
        return BasicBlock(before, after)
    return BasicBlock(
        before, after, 2, nn.Sequential(nn.Conv2d(before, after, 1, 2, bias=False), nn.BatchNorm2d(after))
    )


class PoseNetwork(nn.Module):
    """A trunk and two heads with random weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = Trunk()
        self.rotation, self.translation = nn.Linear(128, 4), nn.Linear(128, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pooled = self.trunk(image)
        return self.rotation(pooled), self.translation(pooled)


def export_pose(path: Path, opset: int = 17, dynamic: bool = False, names: tuple[str, ...] = ()) -> Path:
    """Write a pose network; names: of the input and the two outputs."""
    image, rotation, translation = names or ("image", "rotation", "translation")
    axes = {name: {0: "batch"} for name in (image, rotation, translation)} if dynamic else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            PoseNetwork().eval(),
            torch.zeros(1, 3, HEIGHT, WIDTH),
            str(path),
            dynamo=False,
            opset_version=opset,
            input_names=[image],
            output_names=[rotation, translation],
            dynamic_axes=axes,
        )
    return path


def fit_on(
    onnx_path: Path,
    root: Path,
    folder: Path,
    tap: str = TAP_MODULE,
    layers: str = "[pooled]",
    crop: str = CROP,
) -> Path:
    """A run fitted on a network's features."""
    path = folder / "c.yaml"
    path.write_text(CONFIG.format(root=root, onnx=onnx_path, tap=tap, layers=layers, crop=crop, cache=folder / "cache"))
    run = folder / "run"
    fit(load(path), run)
    return run


@pytest.fixture(scope="session")
def pose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "pose", lambda folder: export_pose(folder / "pose.onnx")) / "pose.onnx"


@pytest.fixture(scope="session")
def on_pose(pose: Path, drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the features of `pose`. Not to be changed: copy it."""
    return made_once(tmp_path_factory, "on_pose", lambda folder: fit_on(pose, drawn.root, folder)) / "run"


@pytest.fixture
def config_of():
    return runs.read_config


def edited(source: Path, target: Path, edit) -> Path:
    """A copy of an ONNX file, changed."""
    model = onnx.load(str(source))
    edit(model)
    onnx.save(model, str(target))
    return target
