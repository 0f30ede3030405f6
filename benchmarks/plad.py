"""PLAD, PLUME's own baseline, on CIFAR's images: AUROC of each normal class, last epoch and best by labels.

python -m benchmarks.plad /path/to/cifar --classes airplane automobile --epochs 10
"""

import argparse

import msgspec
import numpy as np
import torch
from torch import Tensor

from benchmarks import ending
from onboard import machine
from onboard.image import Frame
from train import metrics
from train.data.cifar import load
from train.data.config import CifarData
from train.data.pixels import read_sample
from train.data.samples import Sample
from train.plad.config import PladSettings
from train.plad.training import train

_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", help="folder of CIFAR-10")
    parser.add_argument("--classes", nargs="+", default=_CLASSES)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--lambda-noise", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    settings = PladSettings(epochs=options.epochs, lambda_noise=options.lambda_noise)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = []
    for name in options.classes:
        split = load(CifarData(options.data, normal_class=name))
        fit, test = _pixels(split.fit), _pixels(split.test)
        truth = np.array([sample.is_anomaly for sample in split.test])
        for seed in range(options.seeds):
            watched = train(fit, settings, seed, device, test).watched
            curve = [100 * value for value in metrics.auroc_by_epoch(truth, -watched)]
            rows.append((curve[-1], max(curve)))
            print(
                f"{name}, seed {seed}: last {curve[-1]:.1f}, best of {len(curve)} BY LABELS {max(curve):.1f}",
                flush=True,
            )
    last, best = np.mean(rows, axis=0)
    print(f"\n{len(rows)} runs, {msgspec.to_builtins(settings)}, {machine.describe()}")
    print(f"mean AUROC: last epoch {last:.1f}, best epoch BY LABELS {best:.1f}")


def _pixels(samples: tuple[Sample, ...]) -> Tensor:
    frames: list[Frame] = [read_sample(sample, "refuse") for sample in samples]
    return torch.from_numpy(np.stack(frames))


if __name__ == "__main__":
    ending.run(main)
