"""The table of taps on networks whose stages are known."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from train.backbones import lite
from train.backbones.registry import BackboneOptions, load
from train.onnx_model import load as loading
from train.onnx_model import taps
from train.onnx_model.ports import image_port


def listed(module: nn.Module, path: Path, every: bool = False) -> list[taps.Tap]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), torch.zeros(1, 3, 224, 224), str(path), dynamo=False, opset_version=17)
    model = loading.load(path)
    return taps.find(model, image_port(model, path), 224, 224, every)


def test_resnet18(tmp_path: Path) -> None:
    import torchvision

    found = listed(torchvision.models.resnet18(weights=None), tmp_path / "r.onnx")
    assert [(t.reduction, t.shape[1]) for t in found] == [
        (2, 64),
        (4, 64),
        (8, 128),
        (16, 256),
        (32, 512),
        (None, 512),
    ]
    # By hand: multiply-adds in millions of the stem, the four stages and the classifier; 1,814 in all.
    done = [118.0, 580.4, 991.5, 1402.5, 1813.6, 1813.6]
    assert [t.work for t in found] == pytest.approx([value / 1814.1 for value in done], abs=2e-3)
    assert found[-2].why == "last map" and found[-1].why == "pooled vector"


def test_lite0_gives_the_stages_that_the_built_in_backbone_has(tmp_path: Path) -> None:
    model, _ = lite.build(0, "random")
    found = listed(model, tmp_path / "l.onnx")
    widths = load(BackboneOptions(weights="random")).module.channels()
    assert [(t.reduction, t.shape[1]) for t in found] == [
        (2, widths["stage1"]),
        (4, widths["stage2"]),
        (8, widths["stage3"]),
        (16, widths["stage5"]),
        (32, widths["pooled"]),
        (None, widths["pooled"]),
    ]


def test_all_lists_more_and_the_table_names_each(tmp_path: Path) -> None:
    import torchvision

    every = listed(torchvision.models.resnet18(weights=None), tmp_path / "r.onnx", every=True)
    assert len(every) > 40 and all(0 <= tap.work <= 1 for tap in every)
    text = taps.table(every, tmp_path / "r.onnx")
    assert all(tap.name in text for tap in every)
