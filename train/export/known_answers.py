"""Known-answer windows: real crops, one of each window size, whose logit the training side has computed."""

from collections.abc import Sequence

import msgspec

from onboard.crop_spec import CropSpec
from onboard.image import Grey
from onboard.window import Window, cut
from train.data.pixels import read_sample
from train.data.samples import Sample

_TRIED = 200


def choose(samples: Sequence[Sample], spec: CropSpec, grey: Grey) -> list[Window]:
    """For each window size the first sample that fits it; smaller sizes are taken away to make it be used.

    Of whole frames, which are all of one size, the first two samples.

    A size into which none of the first samples fits (all are too large) is left out.
    """
    if spec.whole:
        return [cut(read_sample(sample, grey), sample.box, spec) for sample in samples[:2]]
    chosen = []
    for i, size in enumerate(spec.windows):
        larger = msgspec.structs.replace(spec, windows=spec.windows[i:])
        for sample in samples[:_TRIED]:
            window = cut(read_sample(sample, grey), sample.box, larger)
            if window.pixels.shape[0] == size:
                chosen.append(window)
                break
    return chosen
