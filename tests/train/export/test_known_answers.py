"""Which windows an engine is asked: one of each size, and some as unlike as can be."""

import dataclasses
from pathlib import Path

import numpy as np
import torch

from train import runs
from train.evaluate import load_run
from train.export.calibration_images import windows_of
from train.export.known_answers import choose


def test_one_of_each_size_and_those_that_lie_far_from_the_others(fitted: Path) -> None:
    config = runs.read_config(fitted)
    _, prepared = load_run(fitted, config)
    samples = prepared.split.calibration
    generator = torch.Generator().manual_seed(0)
    features = 0.01 * torch.rand(len(samples), 3, generator=generator)
    odd = [4, 9, 13]
    features[odd] = torch.eye(3)
    chosen = choose(dataclasses.replace(prepared, features={**prepared.features, "calibration": features}), config)
    assert list(chosen)[:3] == [f"known_answer_{size}.png" for size in (256, 512, 1024)] and len(chosen) == 8
    unlike = [window.pixels for name, window in chosen.items() if "unlike" in name]
    for window in windows_of([samples[i] for i in odd], config):
        assert any(np.array_equal(window.pixels, pixels) for pixels in unlike)
