"""Bundles made from any graph, and small graphs to make them from."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from onboard import bundle as bundles
from onboard.crop_spec import CropSpec
from onboard.manifest import KnownAnswer, Manifest, TensorSpec
from tests.onboard.trt.worlds import make_world as make_world
from train.crop import Crop

MakeBundle = Callable[..., Path]


class Small(nn.Module):
    """Crop, two convolutions and a residual sum, a pose output and the debris logit; `half` computes in float16."""

    def __init__(self, spec: CropSpec, half: bool = False) -> None:
        super().__init__()
        self.crop = Crop(spec, (127.0,) * 3, (128.0,) * 3)
        self.first, self.second = nn.Conv2d(3, 16, 3, 2), nn.Conv2d(16, 16, 3, padding=1)
        self.pose, self.head = nn.Linear(16, 4), nn.Linear(16, 1)
        self.half_precision = half
        if half:
            for part in (self.first, self.second, self.pose, self.head):
                part.half()

    def forward(self, window: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        x = self.crop(window, box)
        x = self.first(x.half() if self.half_precision else x).relu()
        x = (x + self.second(x)).relu().mean(dim=(2, 3))
        return self.pose(x).float(), self.head(x).float()


def export(module: nn.Module, path: Path, outputs: list[str]) -> None:
    """Write a module of window and box with the tracing exporter, the window's size open."""
    inputs = torch.zeros(1, 256, 256, 3, dtype=torch.uint8), torch.tensor([[60.0, 60.0, 190.0, 190.0]])
    torch.onnx.export(
        module.eval(),
        inputs,
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["window", "box"],
        output_names=outputs,
        dynamic_axes={"window": {1: "height", 2: "width"}},
    )


def wrap(model: Path, windows: tuple[int, ...]) -> Path:
    """Make the folder of `model` a bundle whose hashes are right. Its known answer is no real one."""
    folder, known = model.parent, model.parent / "known_answer.png"
    known.write_bytes(b"")
    manifest = Manifest(
        format=1,
        model=model.name,
        files={path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (model, known)},
        inputs=(TensorSpec("window", "uint8", (1, "h", "w", 3)), TensorSpec("box", "float32", (1, 4))),
        outputs=(TensorSpec("debris_logit", "float32", (1, 1)),),
        crop=CropSpec(input_px=64, windows=windows),
        backbone={},
        head={},
        training={},
        calibration_scores=None,
        known_answers=(KnownAnswer(known.name, (1.0, 1.0, 9.0, 9.0), 0.0),),
        logit_tolerance=1e-4,
        versions={},
    )
    bundles.write_manifest(folder, manifest)
    return folder


@pytest.fixture
def small_bundle(tmp_path: Path) -> MakeBundle:
    """Gives a bundle with the small network; `half` for float16, `windows` for its sizes."""

    def make(half: bool = False, windows: tuple[int, ...] = (256, 512)) -> Path:
        folder = tmp_path / "small"
        folder.mkdir()
        torch.manual_seed(0)
        network = Small(CropSpec(input_px=64, windows=windows), half)
        export(network, folder / "model.onnx", ["rotation", "debris_logit"])
        return wrap(folder / "model.onnx", windows)

    return make
