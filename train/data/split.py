"""The split of a data set into fit, calibration and test: drawn once, by source and class."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from onboard.errors import InputError
from train.data import draw
from train.data.samples import Sample, Split

TRAIN = "train"
OWN_TEST = ("val", "validate", "validation", "test")
"""The sources that serve as the test part where a data set has one; the first that it has is taken."""


def split(
    samples: Iterable[Sample],
    calibration_fraction: float,
    test_fraction: float,
    seed: int,
    skipped: dict[str, int] | None = None,
    redraw: bool = False,
) -> Split:
    """Split samples by what their data set gives.

    Where the data set has a part of its own for it, that is the test, whole; the normals of its train part
    are fit and calibration, and the anomalies there are not used. Else a share of each normal class and all
    anomalies are the test. The draw within one class depends on the seed and on that class alone.

    Args:
        samples: all samples, in any order.
        calibration_fraction: the share of each normal training class (without what the test took) that goes
            to calibration; a class of two images or more gives at least one and keeps at least one.
        test_fraction: the share of each normal class that goes to the test, where one is to be cut.
        seed: of the draw.
        skipped: counts to hand on (see `Split`).
        redraw: pool the data set's own test with its train part, and cut a test from both.

    Raises:
        InputError: there are no samples to train on.
    """
    by_source: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_source[sample.source].append(sample)
    own = next((source for source in OWN_TEST if source in by_source), None)
    if redraw and own:
        by_source[TRAIN] += by_source.pop(own)
        own = None
    test = list(by_source[own]) if own else []
    fit: list[Sample] = []
    calibration: list[Sample] = []
    normal: dict[str, list[Sample]] = defaultdict(list)
    unused: Counter[str] = Counter()
    for source, members in by_source.items():
        for sample in members if source != own else ():
            if source != TRAIN or (sample.is_anomaly and own):
                unused[f"{source}/{sample.label}"] += 1
            elif sample.is_anomaly:
                test.append(sample)
            else:
                normal[sample.label].append(sample)
    if not normal:
        there = ", ".join(sorted(by_source)) or "none"
        raise InputError(
            f"the data set has no normal image in its part '{TRAIN}' to train on (parts with images: "
            f"{there}); look at 'root' and 'anomaly_classes'"
        )
    for members in normal.values():
        by_key = {sample.key: sample for sample in members}
        drawn = [by_key[key] for key in draw.order(by_key, seed)]
        if own is None:
            number = draw.share(test_fraction, len(drawn), leave=2)
            test += drawn[:number]
            drawn = drawn[number:]
        number = draw.share(calibration_fraction, len(drawn), leave=1)
        calibration += drawn[:number]
        fit += drawn[number:]
    return Split(_sorted(fit), _sorted(calibration), _sorted(test), dict(skipped or {}), dict(sorted(unused.items())))


def _sorted(samples: list[Sample]) -> tuple[Sample, ...]:
    return tuple(sorted(samples, key=lambda sample: sample.key))
