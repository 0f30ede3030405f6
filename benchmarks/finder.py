"""The box finder against labelled boxes: recall, overlap, false boxes and time, on data in a SPARK layout.

python -m benchmarks.finder data/synth ../shared/spark2022_sample
python -m benchmarks.finder ../shared/spark2022_sample --bundle runs/spark_sample/bundle

Each image is looked at alone, without a track; then each sequence below `tracks/`, where there are any, as a run, with
every tenth frame made black. `--bundle` also judges every image of the part with the given and with
the found box: what a head that was fitted on given boxes loses by found ones.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks import ending
from onboard import image, machine
from onboard.config import Source
from onboard.detector import Detector
from onboard.finder import Boxes, Finder, FinderConfig
from onboard.finder.boxes import Box, overlap
from onboard.image import Frame
from onboard.replay import items
from train.data import spark
from train.data.config import SparkData
from train.data.pixels import read_sample
from train.data.samples import Sample

_GOOD, _ELSEWHERE = 0.5, 0.1
_RATE = 0.05
_SIZES = (0.1, 0.2, 0.4)  # square root of the box's area over the image's longer side


class Case(NamedTuple):
    """One image: its label, what was found, the overlap of the two, the box's size over the frame's, and the time."""

    sample: Sample
    found: Box | None
    iou: float
    size: float
    ms: float
    own_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path, help="folders in a SPARK layout")
    parser.add_argument("--part", default="val", help="the data set's own part (default: val)")
    parser.add_argument("--bundle", help="also judge each image with the given and with the found box")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = Detector.load(options.bundle, 1) if options.bundle else None
    for root in options.data:
        samples = [each for each in spark.read(SparkData(root=str(root))).samples if each.source == options.part]
        if not samples:
            parser.error(f"{root}: no part '{options.part}'")
        cases = [_case(Finder(FinderConfig()), sample) for sample in samples]
        print(f"{root.name}, {options.part}")
        _table("all", cases, lambda case: "")
        _table("by class", cases, lambda case: case.sample.label)
        _table("by size over the frame's", cases, lambda case: _size_name(case.size))
        print(f"  time  {_times([(case.ms, case.own_ms) for case in cases])}")
        for folder in sorted(root.glob("tracks/*/")):
            _follow(folder)
        if detector is not None:
            _judge(cases, detector)
    print(_time_of_large_frames())
    print(machine.describe())


def _case(finder: Finder, sample: Sample) -> Case:
    frame = read_sample(sample, "replicate")
    finder.prepare(*frame.shape[:2])
    found, ms, own_ms = _timed(finder, frame)
    x_min, y_min, x_max, y_max = map(float, sample.box)
    size = ((x_max - x_min) * (y_max - y_min)) ** 0.5 / max(frame.shape[:2])
    iou = overlap(found[0], (x_min, y_min, x_max, y_max)) if found else 0.0
    return Case(sample, found[0] if found else None, iou, size, ms, own_ms)


def _table(title: str, cases: Iterable[Case], name: Callable[[Case], str]) -> None:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[name(case)].append(case)
    print(f"  {title:<26} images  recall at 0.5  mean IoU  elsewhere  none")
    for group in sorted(groups, key=lambda group: (group.endswith("more"), group)):
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


def _timed(finder: Finder, frame: Frame) -> tuple[tuple[Box, ...], float, float]:
    """What was found, and the time on the clock and the processor's for this thread alone, in ms."""
    start, own = time.perf_counter(), time.thread_time()
    found = finder(frame).boxes
    return found, (time.perf_counter() - start) * 1e3, (time.thread_time() - own) * 1e3


def _times(pairs: list[tuple[float, float]]) -> str:
    (p50, own50), (p99, own99) = np.percentile(np.array(pairs), [50, 99], axis=0)
    return f"median {p50:.1f} ms, p99 {p99:.1f} ms; the processor's: median {own50:.1f} ms, p99 {own99:.1f} ms"


def _follow(folder: Path) -> None:
    """A sequence as one run; in every tenth frame there is nothing to be found."""
    boxes, ious, sources = Boxes(FinderConfig()), [], Counter[str | None]()
    for number, item in enumerate(items(Source(str(folder)))):
        frame = image.read(item.path)
        given = boxes(bytes(16), number, frame * (number % 10 != 9))
        sources[given.source] += 1
        ious.append(overlap(given.box, item.box) if given.box and item.box else 0.0)
    said = ", ".join(f"{count} {source or 'none'}" for source, count in sources.items())
    recall = np.mean(np.array(ious) >= _GOOD)
    print(f"  track {folder.name:<24} recall at 0.5 {recall:.3f}, mean IoU {np.mean(ious):.3f}; {said}")


def _judge(cases: list[Case], detector: Detector) -> None:
    answers = []
    for case in cases:
        frame = read_sample(case.sample, "replicate")
        x_min, y_min, x_max, y_max = map(float, case.sample.box)
        answers.append((_judged(detector, frame, (x_min, y_min, x_max, y_max)), _judged(detector, frame, case.found)))
    scores, p_values = np.moveaxis(np.array(answers), 2, 0)
    is_debris = np.array([case.sample.is_anomaly for case in cases])
    good = np.array([case.iou >= _GOOD for case in cases])
    given, both = ~np.isnan(scores[:, 0]), ~np.isnan(scores).any(1)
    print(f"  judged by the bundle; called debris: p-value at most {_RATE}")
    for title, kept in (
        ("answered with the given box", given),
        ("found box at IoU 0.5 or more", both & good),
    ):
        for column, box in enumerate(("given", "found")):
            seen = kept & ~np.isnan(scores[:, column])
            called = p_values[:, column] <= _RATE
            auroc = _auroc(is_debris[seen], scores[seen, column])
            print(
                f"    {title:<30} {box} box: {int(seen.sum()):4d} images, AUROC {auroc}, "
                f"called debris: {np.mean(called[seen & ~is_debris]):.3f} of satellites, "
                f"{np.mean(called[seen & is_debris]):.3f} of debris"
            )


def _auroc(is_debris: np.ndarray, scores: np.ndarray) -> str:
    return f"{100 * float(roc_auc_score(is_debris, scores)):.1f}" if len(set(is_debris.tolist())) == 2 else "-"


def _judged(detector: Detector, frame: Frame, box: Box | None) -> tuple[float, float]:
    """Anomaly score and p-value; NaN where there is none."""
    answer = None if box is None else detector(frame, box)
    if answer is None or answer.anomaly_score is None:
        return float("nan"), float("nan")
    return answer.anomaly_score, float("nan") if answer.p_value is None else answer.p_value


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
            _, ms, own_ms = _timed(finder, frame)
            times.append((ms, own_ms))
        said.append(f"1920 x 1200, {name:<14} {_times(times[20:])}")
    return "\n".join(said)


if __name__ == "__main__":
    ending.run(main)
