"""The calibration images that a new flight graph is measured on and flown over."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from onboard.window import Window, cut
from train.config import RunConfig
from train.data.config import SparkData
from train.data.pixels import read_sample
from train.data.samples import Sample
from train.prepare import Prepared
from train.runs import FittedHead

_CHECKED = 30


def checked_windows(prepared: Prepared, config: RunConfig) -> Iterator[Window]:
    """Windows of the checked images."""
    return windows_of([prepared.split.calibration[i] for i in checked(prepared)], config)


def windows_of(samples: Sequence[Sample], config: RunConfig) -> Iterator[Window]:
    """The samples' windows, one by one."""
    return (cut(read_sample(sample, grey_of(config)), sample.box, config.crop) for sample in samples)


def logit_spread(head: FittedHead, prepared: Prepared) -> float:
    """The standard deviation of the calibration normals' logits."""
    with torch.inference_mode():
        return float(head.model(prepared.features["calibration"]).double().std(correction=0))


def checked(prepared: Prepared) -> list[int]:
    """Their numbers in the calibration part, spread over all classes."""
    count = len(prepared.split.calibration)
    return sorted({round(i) for i in np.linspace(0, count - 1, min(_CHECKED, count))})


def grey_of(config: RunConfig) -> Any:
    """What the run does with one-channel images."""
    return config.data.grey if isinstance(config.data, SparkData) else "refuse"
