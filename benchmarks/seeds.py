"""AUROC of one configuration over several seeds.

python -m benchmarks.seeds configs/spark_sample.yaml --data /path/to/spark --seeds 5

Which normals calibrate and the views' draws change; of heads that are trained by steps also initial weights, order of
batches and noise; and the test's normals where the data set has no test of its own. Judged are crops as they are, and
under each protocol of `benchmarks.fly_protocols`; whole frames and CIFAR's images as they are.
"""

import argparse
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from benchmarks import ending
from benchmarks.fly_protocols import PROTOCOLS, SEED
from onboard import machine
from onboard.errors import InputError
from train import metrics
from train.benchmark.figures import spread
from train.config import RunConfig, load
from train.data.config import SparkData
from train.features.extract import extract
from train.heads.fitting import fit_head
from train.prepare import Prepared, device, prepare
from train.views.recipe import views


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", help="the data set's folder, instead of the config's")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if options.seeds < 1:
        raise InputError("--seeds: at least 1")
    config = load(options.config, {"data.root": options.data} if options.data else None)
    curves: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        for protocol, curve in _curves(msgspec.structs.replace(config, seed=seed)).items():
            curves.setdefault(protocol, []).append(curve)
            print(f"seed {seed}, {protocol}: {_words(curve)}", flush=True)
    print(f"\n{options.config.name}, {options.seeds} seeds, {machine.describe()}: AUROC x 100")
    for protocol, each in curves.items():
        print(f"  {protocol:<20}{_spread([curve[-1] for curve in each])}")
        if len(each[0]) > 1:  # the line above is of the last one
            print(f"  {'':<20}best epoch BY TEST LABELS {_spread([max(curve) for curve in each])}")


def _curves(config: RunConfig) -> dict[str, list[float]]:
    """AUROC after each epoch of one fit (one of a closed form), under each protocol."""
    prepared = prepare(config)
    judged = _judged(config, prepared)
    watched = torch.cat(list(judged.values()))
    fitted = fit_head(config.head, prepared.normals, config.fit, config.seed, device(config.device), watched)
    is_anomaly = np.array([sample.is_anomaly for sample in prepared.split.test])
    parts = np.split(-fitted.watched, len(judged), axis=1)
    return {
        name: [float(value) for value in metrics.auroc_by_epoch(is_anomaly, scores)]
        for name, scores in zip(judged, parts, strict=True)
    }


def _judged(config: RunConfig, prepared: Prepared) -> dict[str, Tensor]:
    """The test's features under each protocol, N x F."""
    if not isinstance(config.data, SparkData) or config.crop.whole:
        return {"raw": prepared.features["test"]}
    test = prepared.split.test
    found = {}
    for name, recipe in PROTOCOLS.items():
        seen = [views(recipe, seed=SEED)[0]] * len(test)
        cache = Path(config.cache)
        features = extract(test, prepared.backbone, config.crop, cache, device(config.device), config.data.grey, seen)
        if features.defects:
            raise InputError(f"{name}: {next(iter(features.defects.values()))}; leave that image out of the data")
        found[name] = features.layers(config.layers)
    return found


def _words(curve: list[float]) -> str:
    if len(curve) == 1:
        return f"{100 * curve[0]:.1f}"
    return f"last epoch {100 * curve[-1]:.1f}, best epoch BY TEST LABELS {100 * max(curve):.1f}"


def _spread(values: list[float]) -> str:
    return f"{spread(values)}, {100 * min(values):.1f} to {100 * max(values):.1f}"


if __name__ == "__main__":
    ending.run(main)
