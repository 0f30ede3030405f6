"""AUROC of one configuration over several seeds.

python -m benchmarks.seeds configs/spark_sample.yaml --data /path/to/spark --seeds 5

Which normals calibrate and the views' draws change; of heads that are trained by steps also initial weights, order of
batches and noise. The test stays as it is: crops as they are, and under each protocol of `benchmarks.fly_protocols`;
whole frames and CIFAR's images as they are.
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
from train import metrics
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
    config = load(options.config, {"data.root": options.data} if options.data else None)
    curves: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        for protocol, curve in _curves(msgspec.structs.replace(config, seed=seed)).items():
            curves.setdefault(protocol, []).append(curve)
            print(f"seed {seed}, {protocol}: {_words(curve)}", flush=True)
    print(f"\n{options.config.name}, {options.seeds} seeds, {machine.describe()}: AUROC x 100")
    for protocol, each in curves.items():
        print(f"  {protocol:<20}last epoch {_spread([curve[-1] for curve in each])}")
        if len(each[0]) > 1:
            print(f"  {'':<20}best epoch BY TEST LABELS {_spread([max(curve) for curve in each])}")


def _curves(config: RunConfig) -> dict[str, list[float]]:
    """AUROC x 100 after each epoch of one fit (one of a closed form), under each protocol."""
    prepared = prepare(config)
    judged = _judged(config, prepared)
    watched = torch.cat(list(judged.values()))
    fitted = fit_head(config.head, prepared.normals, config.fit, config.seed, device(config.device), watched)
    is_anomaly = np.array([sample.is_anomaly for sample in prepared.split.test])
    parts = np.split(-fitted.watched, len(judged), axis=1)
    return {
        name: [100 * value for value in metrics.auroc_by_epoch(is_anomaly, scores)]
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
        found[name] = features.layers(config.layers)
    return found


def _words(curve: list[float]) -> str:
    best = f", best epoch by test labels {max(curve):.1f}" if len(curve) > 1 else ""
    return f"last epoch {curve[-1]:.1f}{best}"


def _spread(values: list[float]) -> str:
    deviation = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{deviation}, median {np.median(values):.1f}, {min(values):.1f} to {max(values):.1f}"


if __name__ == "__main__":
    ending.run(main)
