"""The box finder against labelled boxes: recall, overlap, false boxes and time, on data in a SPARK layout.

python -m benchmarks.finder data/synth ../shared/spark2022_sample
python -m benchmarks.finder ../shared/spark2022_sample --bundle runs/spark_sample/bundle

Each image is looked at alone, without a track. `--bundle` also judges every image of the part with the given and with
the found box: what a head that was fitted on given boxes loses by found ones.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score

from onboard import machine
from onboard.detector import Detector
from onboard.finder import Finder, FinderConfig
from onboard.finder.boxes import Box, overlap
from onboard.image import Frame
from train.data import spark
from train.data.config import SparkData
from train.data.pixels import read_sample
from train.data.samples import Sample

_GOOD, _ELSEWHERE = 0.5, 0.1
_SIZES = (0.1, 0.2, 0.4)  # square root of the box's area over the image's longer side


class Case(NamedTuple):
    """One image: its label, what was found, the overlap of the two, and the box's size over the frame's."""

    sample: Sample
    found: Box | None
    iou: float
    size: float
    ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path, help="folders in a SPARK layout")
    parser.add_argument("--part", default="val", help="the data set's own part (default: val)")
    parser.add_argument("--bundle", help="also judge each image with the given and with the found box")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for root in options.data:
        samples = [each for each in spark.read(SparkData(root=str(root))).samples if each.source == options.part]
        if not samples:
            parser.error(f"{root}: no part '{options.part}'")
        cases = [_case(Finder(FinderConfig()), sample) for sample in samples]
        print(f"{root.name}, {options.part}")
        _table("all", cases, lambda case: "")
        _table("by class", cases, lambda case: case.sample.label)
        _table("by size over the frame's", cases, lambda case: _size_name(case.size))
        ms = np.array([case.ms for case in cases])
        p50, p99 = np.percentile(ms, [50, 99])
        print(f"  time  median {p50:.2f} ms, p99 {p99:.2f} ms, most {ms.max():.2f} ms")
        if options.bundle:
            _judge(cases, Detector.load(options.bundle, 1))
    print(_time_of_large_frames())
    print(machine.describe())


def _case(finder: Finder, sample: Sample) -> Case:
    frame = read_sample(sample, "replicate")
    finder.prepare(*frame.shape[:2])
    start = time.perf_counter()
    found = finder(frame).boxes
    ms = (time.perf_counter() - start) * 1e3
    x_min, y_min, x_max, y_max = map(float, sample.box)
    size = ((x_max - x_min) * (y_max - y_min)) ** 0.5 / max(frame.shape[:2])
    iou = overlap(found[0], (x_min, y_min, x_max, y_max)) if found else 0.0
    return Case(sample, found[0] if found else None, iou, size, ms)


def _table(title: str, cases: Iterable[Case], name: Callable[[Case], str]) -> None:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[name(case)].append(case)
    print(f"  {title:<26} images  recall at 0.5  mean IoU  elsewhere  none")
    for group in sorted(groups):
        ious = np.array([case.iou for case in groups[group]])
        none = np.array([case.found is None for case in groups[group]])
        elsewhere = np.mean((ious < _ELSEWHERE) & ~none)
        print(
            f"    {group:<24} {len(ious):6d}  {np.mean(ious >= _GOOD):13.3f}  {ious.mean():8.3f}  {elsewhere:9.3f}  "
            f"{none.mean():.3f}"
        )


def _size_name(size: float) -> str:
    below = next((limit for limit in _SIZES if size < limit), None)
    return f"under {below}" if below is not None else f"{_SIZES[-1]} and more"


def _judge(cases: list[Case], detector: Detector) -> None:
    truth, given, found, good = [], [], [], []
    for case in cases:
        frame = read_sample(case.sample, "replicate")
        x_min, y_min, x_max, y_max = map(float, case.sample.box)
        given.append(_score(detector, frame, (x_min, y_min, x_max, y_max)))
        found.append(_score(detector, frame, case.found))
        truth.append(case.sample.is_anomaly)
        good.append(case.iou >= _GOOD)
    scores, is_debris = np.array([given, found]), np.array(truth)
    answered = ~np.isnan(scores)
    for title, kept in (
        ("all that are answered with the given box", answered[0]),
        ("of those, answered with the found box too", answered.all(0)),
        ("of those, found box at IoU 0.5 or more", answered.all(0) & np.array(good)),
    ):
        values = [_auroc(is_debris[kept], each[kept]) for each in scores]
        print(f"  {title:<44} {int(kept.sum()):4d} images, AUROC given {values[0]}, found {values[1]}")


def _auroc(is_debris: np.ndarray, scores: np.ndarray) -> str:
    if np.isnan(scores).any() or len(set(is_debris.tolist())) < 2:
        return "-"
    return f"{100 * float(roc_auc_score(is_debris, scores)):.1f}"


def _score(detector: Detector, frame: Frame, box: Box | None) -> float:
    score = None if box is None else detector(frame, box).anomaly_score
    return float("nan") if score is None else score


def _time_of_large_frames() -> str:
    """1920 x 1200 with noise, an object, and as many specks as noise makes."""
    draw = np.random.default_rng(0)
    grey = np.clip(draw.normal(20, 4, (1200, 1920)), 0, 255).astype(np.uint8)
    grey[500:700, 800:1100] = 120
    frames: dict[str, Frame] = {
        "grey camera": np.dstack([grey, grey, grey]),
        "colour camera": np.dstack([grey, grey // 2, grey]),
    }
    said = []
    for name, frame in frames.items():
        finder, times = Finder(FinderConfig()), []
        for _ in range(120):
            start = time.perf_counter()
            finder(frame)
            times.append((time.perf_counter() - start) * 1e3)
        p50, p99 = np.percentile(times[20:], [50, 99])
        said.append(f"{name} median {p50:.2f} ms, p99 {p99:.2f} ms")
    return f"1920 x 1200: {'; '.join(said)}"


if __name__ == "__main__":
    main()
