"""A sheet of crops: the worst mistakes, as the backbone sees them."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch

from onboard.crop_spec import CropSpec
from onboard.image import Frame, Grey
from onboard.window import cut
from train.crop import Crop
from train.data.pixels import read_sample
from train.data.samples import Sample
from train.metrics import Scores
from train.plots import ANOMALY, NORMAL, plt, save

_COLUMNS, _CROP_PX = 8, 160
_WINDOWS = (256, 512, 1024, 2048, 4096)  # a whole frame's box may be larger than any crop's


def mistakes_sheet(path: Path, samples: Sequence[Sample], scores: Scores, spec: CropSpec, grey: Grey) -> None:
    """The normals with the highest anomaly scores, and the anomalies with the lowest, two rows of eight each."""
    order = np.argsort(scores, kind="stable")
    alarms = [int(i) for i in order[::-1] if not samples[i].is_anomaly][: 2 * _COLUMNS]
    misses = [int(i) for i in order if samples[i].is_anomaly][: 2 * _COLUMNS]
    rows = [*_in_rows(alarms), *_in_rows(misses)]
    figure, axes = plt.subplots(
        len(rows), _COLUMNS, figsize=(1.55 * _COLUMNS, 1.85 * len(rows) + 0.5), layout="constrained", squeeze=False
    )
    for line, row in zip(axes, rows, strict=True):
        for axis in line:
            axis.axis("off")
        for axis, i in zip(line, row, strict=False):
            axis.imshow(_crop(samples[i], spec, grey))
            colour = ANOMALY if samples[i].is_anomaly else NORMAL
            axis.set_title(f"{samples[i].kind}\nscore {scores[i]:+.2f}", fontsize=7, color=colour)
    figure.suptitle("Worst first: satellites most like debris (blue), debris most like satellites (red)", fontsize=10)
    save(figure, path)


def _in_rows(chosen: list[int]) -> list[list[int]]:
    return [chosen[i : i + _COLUMNS] for i in range(0, len(chosen), _COLUMNS)]


def _crop(sample: Sample, spec: CropSpec, grey: Grey) -> Frame:
    """The crop as uint8 RGB, by the flight graph's own resize; of a whole frame, what the box shows."""
    small = CropSpec(margin=spec.margin, windows=_WINDOWS) if spec.whole else spec
    small = msgspec.structs.replace(small, channels="rgb")
    if not spec.via_px:
        small = msgspec.structs.replace(small, input_px=_CROP_PX)
    window = cut(read_sample(sample, grey), sample.box, small)
    crop = Crop(small, (0, 0, 0), (1, 1, 1))
    with torch.inference_mode():
        pixels = crop(torch.from_numpy(window.pixels)[None], torch.from_numpy(window.region)[None])[0]
    # Many targets are nearly black: stretch each to its own brightest pixels, for people.
    brightest = max(float(pixels.quantile(0.995)), 1.0)
    return (pixels * (255 / brightest)).clamp(0, 255).byte().permute(1, 2, 0).numpy()
