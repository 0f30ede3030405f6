"""The splits of a benchmark: several draws of what is trained on and what is judged."""

import msgspec

from train.benchmark.config import BenchmarkConfig
from train.data import load as loading
from train.data.config import CifarData
from train.data.samples import Sample, Split


def load(config: BenchmarkConfig, number: int, normal_class: str | None) -> Split:
    """One split.

    Args:
        config: the benchmark's.
        number: which, from 0: the seed of its draw.
        normal_class: CIFAR's normal class; None for data that say what is normal.

    Raises:
        InputError: the data cannot be read.
    """
    data = config.data
    if isinstance(data, CifarData) and normal_class is not None:
        data = msgspec.structs.replace(data, normal_class=normal_class)
    return loading.load(data, number, config.redraw)


def everything(splits: list[Split]) -> list[Sample]:
    """All samples of some splits, each once, in the order of their keys; as a normal where it is one in any."""
    found: dict[str, Sample] = {}
    for one in splits:
        for sample in one.all():
            if sample.key not in found or found[sample.key].is_anomaly:
                found[sample.key] = sample
    return [found[key] for key in sorted(found)]
