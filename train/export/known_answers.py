"""Known-answer windows: real crops, whose logits the training side has computed."""

from collections.abc import Iterator

import msgspec
import numpy as np
from torch import Tensor

from onboard.crop_spec import CropSpec
from onboard.image import Grey
from onboard.window import Window, cut
from train.config import RunConfig
from train.data.pixels import read_sample
from train.data.samples import Sample
from train.export.calibration_images import checked, grey_of, windows_of
from train.heads.neighbours import coreset
from train.prepare import Prepared

_TRIED = 200
_UNLIKE = 5
"""A flipped weight shows only where its channel is excited, and deep channels are excited by few images each: of the
flips that windows alone, one a size, did not see, five more crops see most (docs/seu.md)."""


def choose(prepared: Prepared, config: RunConfig) -> dict[str, Window]:
    """Windows by file name: for each window size the first sample that fits it, and some as unlike as can be.

    For the former, smaller sizes are taken away to make each be used; a size into which none of the first samples fits
    (all are too large) is left out. Whole frames are all of one size. The others are chosen farthest first, by the
    head's standardised features, among the images that a new graph is checked on.

    Raises:
        InputError: an image cannot be read.
    """
    samples, grey = prepared.split.calibration, grey_of(config)
    chosen = {} if config.crop.whole else dict(_each_size(samples, config.crop, grey))
    numbers = checked(prepared)
    unlike = coreset(_standardised(prepared.features["calibration"][numbers]), min(_UNLIKE, len(numbers)), 0)
    others = windows_of([samples[numbers[i]] for i in sorted(unlike.tolist())], config)
    for window in others:
        if not any(_same(window, known) for known in chosen.values()):
            chosen[f"known_answer_unlike{len(chosen)}.png"] = window
    return chosen


def _each_size(samples: tuple[Sample, ...], spec: CropSpec, grey: Grey) -> Iterator[tuple[str, Window]]:
    for i, size in enumerate(spec.windows):
        larger = msgspec.structs.replace(spec, windows=spec.windows[i:])
        for sample in samples[:_TRIED]:
            window = cut(read_sample(sample, grey), sample.box, larger)
            if window.pixels.shape[0] == size:
                yield f"known_answer_{size}.png", window
                break


def _standardised(features: Tensor) -> Tensor:
    spread, mean = features.std(0, correction=0), features.mean(0)
    return (features - mean) / spread.clamp_min(1e-6)


def _same(one: Window, other: Window) -> bool:
    return np.array_equal(one.pixels, other.pixels) and np.array_equal(one.region, other.region)
