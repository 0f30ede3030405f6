"""AUROC of one configuration over several seeds: split, initial weights, order of batches and noise all change.

python -m benchmarks.seeds configs/spark_sample.yaml --data /path/to/spark --seeds 5
"""

import argparse
from pathlib import Path

import msgspec
import numpy as np

from benchmarks import ending
from onboard import machine
from train import metrics
from train.config import load
from train.heads.fitting import fit_head
from train.prepare import device, prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", help="the data set's folder, instead of the config's")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    config = load(options.config, {"data.root": options.data} if options.data else None)
    rows = []
    for seed in range(options.seeds):
        seeded = msgspec.structs.replace(config, seed=seed)
        prepared = prepare(seeded)
        fitted = fit_head(
            config.head, prepared.normals, config.fit, seed, device(config.device), prepared.features["test"]
        )
        is_anomaly = np.array([sample.is_anomaly for sample in prepared.split.test])
        curve = [100 * value for value in metrics.auroc_by_epoch(is_anomaly, -fitted.watched)]
        rows.append((curve[-1], max(curve)))
        print(f"seed {seed}: last epoch {curve[-1]:.1f}, best epoch by test labels {max(curve):.1f}", flush=True)
    print(f"\n{options.config.name}, {len(rows)} seeds, {machine.describe()}")
    for name, values in zip(("last epoch", "best epoch BY TEST LABELS"), zip(*rows, strict=True), strict=True):
        print(f"{name:<28}AUROC median {np.median(values):.1f}, {min(values):.1f} to {max(values):.1f}")


if __name__ == "__main__":
    ending.run(main)
