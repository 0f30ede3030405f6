"""Mean and standard deviation of the data's own pixels."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from onboard.image import Grey
from train.backbones.trunk import Normalisation
from train.data.pixels import read_sample
from train.data.samples import Sample

_MOST = 5000


def measure(samples: Sequence[Sample], grey: Grey) -> Normalisation:
    """Per-channel mean and standard deviation, in grey levels, of the pixels inside the boxes.

    Of more than 5,000 samples, 5,000 evenly spaced ones in the order of their keys are taken.

    Raises:
        InputError: an image cannot be read.
    """
    ordered = sorted(samples, key=lambda sample: sample.key)
    taken = [ordered[i] for i in np.linspace(0, len(ordered) - 1, min(_MOST, len(ordered))).astype(int)]

    def sums(sample: Sample) -> np.ndarray:
        x_min, y_min, x_max, y_max = (max(0, round(value)) for value in sample.box)
        pixels = read_sample(sample, grey)[y_min:y_max, x_min:x_max].reshape(-1, 3).astype(np.float64)
        return np.stack([np.full(3, len(pixels)), pixels.sum(0), np.square(pixels).sum(0)])

    with ThreadPoolExecutor(2) as pool:
        found = tqdm(pool.map(sums, taken), total=len(taken), desc="pixel statistics", disable=None)
        count, total, squares = sum(found, np.zeros((3, 3)))
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 1e-12))
    return Normalisation(tuple(mean.tolist()), tuple(std.tolist()))
