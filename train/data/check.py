"""Checks a SPARK data set: finds all that cannot be used, and says it all at once."""

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from onboard import image
from onboard.errors import InputError
from onboard.image import Frame, Grey
from train.data import box_order, boxes, classes, spark
from train.data.box_order import Sign
from train.data.config import SparkData
from train.data.defects import Defect, Kind
from train.data.report import Report, Summary
from train.data.samples import Sample
from train.data.spark import Labels

Finding = tuple[tuple[Kind, str] | None, tuple[int, int] | None, Sign | None]
"""An image's defect, its (height, width) in pixels, and what it says of the box order."""


def check(config: SparkData) -> Report:
    """Find every defect of a data set; this reads and decodes all its images.

    Raises:
        InputError: there is nothing to check: the folder is missing or has no known layout.
    """
    labels = spark.read(config)
    by_key = {sample.key: sample for sample in labels.samples}
    known_empty = {(d.file, d.line) for d in labels.defects if d.kind == "empty-image"}
    wanted = [key for key in labels.lines if labels.lines[key] not in known_empty]

    def look(key: str) -> Finding:
        return _look(labels.root, key, by_key.get(key), config.grey)

    defects = list(labels.defects)
    sizes: Counter[tuple[int, int]] = Counter()
    signs: list[Sign] = []
    good = dict(by_key)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # OpenCV decodes without Python's lock
        # disable=None: the bar is for terminals, not for log files
        findings = tqdm(pool.map(look, wanted), total=len(wanted), desc="images", unit="", disable=None)
        for key, (defect, size, sign) in zip(wanted, findings, strict=True):
            if defect is not None:
                defects.append(Defect(defect[0], *labels.lines[key], defect[1]))
                good.pop(key, None)
            if size is not None:
                sizes[size] += 1
            if sign is not None:
                signs.append(sign)
    files = {part.labels.relative_to(labels.root).as_posix(): i for i, part in enumerate(labels.layout.parts)}
    defects.sort(key=lambda defect: (files.get(defect.file, len(files)), defect.line))
    present = {sample.label for sample in good.values()}
    warnings = [
        *labels.warnings,
        *box_order.warnings(signs, labels.order),
        *classes.absent(config.anomaly_classes, present),
        *_too_few(good.values()),
    ]
    return Report(tuple(defects), tuple(warnings), _summary(labels, good.values(), sizes))


def _too_few(samples: Iterable[Sample]) -> list[str]:
    """Why a set without a defect cannot be trained on all the same."""
    counts = Counter(sample.label for sample in samples if not sample.is_anomaly)
    if sum(counts.values()) < 2:
        return [f"{sum(counts.values())} normal images: there is nothing to train on"]
    return [] if max(counts.values()) > 1 else ["each class has one normal image: none is left for the calibration"]


def _look(root: Path, key: str, sample: Sample | None, grey: Grey) -> Finding:
    """Decode one image; `sample` is None where its label row is of no use."""
    rgb, defect = _decode(root / key, key, grey)
    if rgb is None or sample is None:
        return defect, None if rgb is None else (rgb.shape[0], rgb.shape[1]), None
    size = (rgb.shape[0], rgb.shape[1])
    sign = box_order.sign(rgb, sample.box)
    if said := boxes.outside(sample.box, *size):
        return ("box-outside-image", f"{key}: {said}"), size, sign
    return None, size, sign


def _decode(path: Path, key: str, grey: Grey) -> tuple[Frame | None, tuple[Kind, str] | None]:
    try:
        data = path.read_bytes()
    except OSError as error:
        return None, ("missing-image", f"{key}: cannot be read ({error.strerror})")
    try:
        return image.decode(data, key, grey), None
    except InputError as error:
        said = str(error)
    try:
        image.decode(data, key, "replicate")
    except InputError:
        return None, ("unreadable-image", said)
    return None, ("grey-image", said)


def _summary(labels: Labels, good: Iterable[Sample], sizes: Counter[tuple[int, int]]) -> Summary:
    counts: Counter[tuple[str, str]] = Counter()
    sides = []
    for sample in good:
        counts[sample.source, sample.label] += 1
        x_min, y_min, x_max, y_max = sample.box
        sides.append(((x_max - x_min) * (y_max - y_min)) ** 0.5)
    sides.sort()
    return Summary(
        layout=labels.layout.name,
        order=labels.order,
        images=dict(sorted(counts.items())),
        box_px=(sides[0], sides[len(sides) // 2], sides[-1]) if sides else None,
        image_px={(width, height): number for (height, width), number in sizes.most_common()},
    )
