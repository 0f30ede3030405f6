"""PLAD, PLUME's own baseline, on CIFAR's images: AUROC of each normal class, last epoch and best by labels.

python -m benchmarks.plad /path/to/cifar --epochs 10

Each run is kept in `--out` as soon as it has ended, and not made again. The tables there, `plad.md` and `plad.csv`,
hold the runs that were asked for last.
"""

import argparse
import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from benchmarks import ending
from onboard import files, machine
from onboard.errors import InputError
from onboard.image import Frame
from train import metrics
from train.data.cifar import load
from train.data.config import CifarData
from train.data.pixels import read_sample
from train.data.samples import Sample
from train.plad.config import PladSettings
from train.plad.training import train

_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class _Run(NamedTuple):
    """One training: the normal class, the seed, and the test's AUROC after each epoch, percent."""

    name: str
    seed: int
    curve: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", help="folder of CIFAR-10")
    parser.add_argument("--classes", nargs="+", default=_CLASSES)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--lambda-noise", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/bench_plad"))
    options = parser.parse_args()
    if min(options.epochs, options.seeds) < 1:
        raise InputError("--epochs and --seeds: at least 1")
    settings = PladSettings(epochs=options.epochs, lambda_noise=options.lambda_noise)
    done = []
    for name in options.classes:
        for seed in range(options.seeds):
            done.append(run := _kept(options.data, name, seed, settings, options.out))
            print(_line(run), flush=True)
    _tell(done, settings, options.out)


def _kept(data: str, name: str, seed: int, settings: PladSettings, out: Path) -> _Run:
    """A run that was kept, or one made now and kept: its name holds a hash of all that decides it."""
    split = load(CifarData(data, normal_class=name))
    decides = [split.hash(), msgspec.to_builtins(settings), seed]
    digest = hashlib.sha256(msgspec.json.encode(decides, order="deterministic")).hexdigest()[:16]
    path = out / "cells" / f"{name}-seed{seed}-{digest}.json"
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Run)
        except msgspec.DecodeError as error:
            raise InputError(f"{path}: damaged ({error}); remove it to make this run again") from error
    truth = np.array([sample.is_anomaly for sample in split.test])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    watched = train(_pixels(split.fit), settings, seed, device, _pixels(split.test)).watched
    run = _Run(name, seed, [float(100 * value) for value in metrics.auroc_by_epoch(truth, -watched)])
    files.write_bytes(path, msgspec.json.encode(run))
    return run


def _pixels(samples: tuple[Sample, ...]) -> Tensor:
    frames: list[Frame] = [read_sample(sample, "refuse") for sample in samples]
    return torch.from_numpy(np.stack(frames))


def _line(run: _Run) -> str:
    best = f"best of {len(run.curve)} BY LABELS {max(run.curve):.1f}"
    return f"{run.name}, seed {run.seed}: last {run.curve[-1]:.1f}, {best}"


def _tell(runs: Sequence[_Run], settings: PladSettings, out: Path) -> None:
    rows = [(run.name, run.seed, run.curve[-1], max(run.curve)) for run in runs]
    last, best = (float(np.mean([row[n] for row in rows])) for n in (2, 3))
    table = [f"| {name} | {seed} | {at_last:.1f} | {at_best:.1f} |" for name, seed, at_last, at_best in rows]
    heading = f"| normal class | seed | last epoch | best of {settings.epochs} BY LABELS |\n|---|---|---|---|"
    about = f"PLAD on CIFAR-10, {msgspec.to_builtins(settings)}; {machine.describe()}"
    mean = f"| mean | | {last:.1f} | {best:.1f} |"
    files.write_text(out / "plad.md", "\n".join([about, "", heading, *table, mean]) + "\n")
    text = io.StringIO()
    csv.writer(text).writerows([("normal_class", "seed", "last_epoch", "best_by_labels"), *rows])
    files.write_text(out / "plad.csv", text.getvalue())
    print(f"\n{about}\nmean AUROC: last epoch {last:.1f}, best epoch BY LABELS {best:.1f}\n{out}/plad.md, plad.csv")


if __name__ == "__main__":
    ending.run(main)
