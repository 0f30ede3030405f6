"""Checks a SPARK data set: finds all that cannot be used, and says it all at once."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from onboard import image
from onboard.errors import InputError
from onboard.image import Frame, Grey
from train.data import box_order, boxes, classes, spark, twins
from train.data.box_order import Sign
from train.data.config import SparkData
from train.data.defects import Defect, Kind
from train.data.report import Report, Summary
from train.data.samples import Sample
from train.data.spark import Labels


class Finding(NamedTuple):
    """What one image says.

    Attributes:
        defect: of it.
        size: height and width, px.
        sign: what it says of the box order.
        digest: of its content.
    """

    defect: tuple[Kind, str] | None = None
    size: tuple[int, int] | None = None
    sign: Sign | None = None
    digest: bytes | None = None


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
    first: dict[bytes, Sample] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # OpenCV decodes without Python's lock
        # disable=None: the bar is for terminals, not for log files
        findings = tqdm(pool.map(look, wanted), total=len(wanted), desc="images", unit="", disable=None)
        for key, found in zip(wanted, findings, strict=True):
            if found.defect is not None:
                defects.append(Defect(found.defect[0], *labels.lines[key], found.defect[1]))
                good.pop(key, None)
            if found.size is not None:
                sizes[found.size] += 1
            if found.sign is not None:
                signs.append(found.sign)
            if (sample := good.get(key)) is not None and found.digest is not None:
                twin = first.setdefault(found.digest, sample)
                if twin is not sample:
                    defects.append(Defect("same-image", *labels.lines[key], twins.told(sample, twin)))
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
    try:
        data = (root / key).read_bytes()
    except OSError as error:
        return Finding(("missing-image", f"{key}: cannot be read ({error.strerror})"))
    rgb, defect = _decode(data, key, grey)
    if rgb is None:
        return Finding(defect)
    size = (rgb.shape[0], rgb.shape[1])
    if sample is None:
        return Finding(None, size)
    sign, digest = box_order.sign(rgb, sample.box), hashlib.blake2b(data, digest_size=16).digest()
    if said := boxes.unfit(sample.box, *size):
        return Finding(("box-outside-image", f"{key}: {said}"), size, sign)
    return Finding(None, size, sign, digest)


def _decode(data: bytes, key: str, grey: Grey) -> tuple[Frame | None, tuple[Kind, str] | None]:
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
