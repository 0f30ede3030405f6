"""A sheet of crops: the worst mistakes, as the backbone sees them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
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

_COLUMNS, _CROP_PX, _GAP_PX, _TITLE_PX = 8, 160, 14, 34
_WINDOWS = (256, 512, 1024, 2048, 4096)  # a whole frame's box may be larger than any crop's


def mistakes_sheet(path: Path, samples: Sequence[Sample], scores: Scores, spec: CropSpec, grey: Grey) -> None:
    """The normals with the highest anomaly scores, and the anomalies with the lowest, two rows of eight each."""
    order = np.argsort(scores, kind="stable")
    alarms = [int(i) for i in order[::-1] if not samples[i].is_anomaly][: 2 * _COLUMNS]
    misses = [int(i) for i in order if samples[i].is_anomaly][: 2 * _COLUMNS]
    rows = [*_in_rows(alarms), *_in_rows(misses)]
    sheet = np.full((len(rows) * (_TITLE_PX + _CROP_PX), _COLUMNS * (_CROP_PX + _GAP_PX), 3), 255, np.uint8)
    width, title = 12.4, 0.5  # inches
    height = width * sheet.shape[0] / sheet.shape[1]
    # One axis for all crops: matplotlib takes seconds to lay out one for each of them.
    figure, axis = plt.subplots(figsize=(width, height + title))
    axis.set_position((0.0, 0.0, 1.0, height / (height + title)))
    axis.axis("off")
    for line, row in enumerate(rows):
        for column, i in enumerate(row):
            top, left = _TITLE_PX + line * (_TITLE_PX + _CROP_PX), _GAP_PX // 2 + column * (_CROP_PX + _GAP_PX)
            crop = _crop(samples[i], spec, grey)
            sheet[top : top + _CROP_PX, left : left + _CROP_PX] = _enlarged(crop)
            colour = ANOMALY if samples[i].is_anomaly else NORMAL
            said = f"{samples[i].kind}\nscore {scores[i]:+.2f}"
            axis.text(left + _CROP_PX / 2, top - 4, said, fontsize=7, color=colour, ha="center", va="bottom")
    axis.imshow(sheet)
    figure.suptitle("Worst first: satellites most like debris (blue), debris most like satellites (red)", fontsize=10)
    save(figure, path)


def _in_rows(chosen: list[int]) -> list[list[int]]:
    return [chosen[i : i + _COLUMNS] for i in range(0, len(chosen), _COLUMNS)]


def _enlarged(crop: Frame) -> Frame:
    """At the sheet's size: a crop that passes other sizes on its way may be a small one."""
    size = (_CROP_PX, _CROP_PX)
    return crop if crop.shape[:2] == size else cv2.resize(crop, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)


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
