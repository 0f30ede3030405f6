"""What takes the place of anomalies where no label may choose: a part of the normals, left out of the training."""

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans

from train.backbones.trunk import POOLED
from train.benchmark.config import BenchmarkConfig
from train.benchmark.features import ProtocolFeatures
from train.data.samples import Sample, Split


def groups(config: BenchmarkConfig, table: ProtocolFeatures, split: Split, number: int) -> list[frozenset[str]]:
    """The keys of the normal training samples of each group that is left out in turn.

    Where the normals have classes, a group is a class: an object of another kind, as debris is. Where they have but
    one, a group is a k-means cluster of the pooled features: what is unlike the rest of the class. The test part has
    no say in either.

    Args:
        config: `stand_ins` and `left_out`.
        table: features, for the clusters.
        split: its `fit` and `calibration`.
        number: of the split.
    """
    samples = (*split.fit, *split.calibration)
    names = [s.label for s in samples] if config.stand_ins == "classes" else _clusters(table, samples, number, config)
    ordered = sorted(set(names))
    group_of = {name: i % config.left_out for i, name in enumerate(ordered)}
    found = [
        frozenset(s.key for s, n in zip(samples, names, strict=True) if group_of[n] == g) for g in range(len(ordered))
    ]
    return [keys for keys in found if keys]


def _clusters(table: ProtocolFeatures, samples: Sequence[Sample], number: int, config: BenchmarkConfig) -> list[str]:
    features = table.judged(samples, (POOLED,), number).double().numpy()
    scaled = (features - features.mean(0)) / (features.std(0) + 1e-9)
    # In the directions that vary most: in all of them k-means finds little but noise.
    _, _, directions = np.linalg.svd(scaled, full_matrices=False)
    few = scaled @ directions[:32].T
    numbers = KMeans(config.left_out, n_init=3, random_state=number).fit_predict(few)
    return [f"cluster {cluster}" for cluster in numbers]
