"""How well each layer tells an unseen satellite class from the seen ones: a choice that needs no debris label.

python -m benchmarks.leave_class_out configs/demo.yaml --layers stage4 stage5 stage6 stage7 pooled

The classes of the training data are left out in five groups, one after the other. The head is fitted to four fifths of
the others; the AUROC is that of the left-out classes against the last fifth. Neither calibration nor test is read.
"""

import argparse
from pathlib import Path

import msgspec
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from benchmarks import machine
from train.config import RunConfig, load
from train.plume.training import train
from train.prepare import device, prepare

_GROUPS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", help="the data set's folder, instead of the config's")
    parser.add_argument("--layers", nargs="+", required=True, help="the backbone's vectors to compare, one at a time")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    config = load(options.config, {"data.root": options.data} if options.data else None)
    print(f"{options.config.name}, {options.seeds} seeds x {_GROUPS} groups of classes, {machine.describe()}")
    print("layer       AUROC of left-out satellites, mean over groups: median (minimum to maximum over seeds)")
    for layer in options.layers:
        found = [_one(msgspec.structs.replace(config, layers=(layer,)), seed) for seed in range(options.seeds)]
        print(f"{layer:<12}{np.median(found):.1f} ({min(found):.1f} to {max(found):.1f})", flush=True)


def _one(config: RunConfig, seed: int) -> float:
    prepared = prepare(config)
    features = prepared.features["fit"]
    labels = np.array([sample.label for sample in prepared.split.fit])
    held_back = np.random.default_rng(seed).random(len(labels)) < 0.2
    classes = sorted(set(labels))
    found = []
    for group in range(_GROUPS):
        left_out = np.isin(labels, classes[group::_GROUPS])
        seen = features[torch.from_numpy(~left_out & ~held_back)]
        watched = torch.cat([features[torch.from_numpy(~left_out & held_back)], features[torch.from_numpy(left_out)]])
        truth = np.arange(len(watched)) >= int((~left_out & held_back).sum())
        trained = train(seen, config.head.resolve(), config.fit, seed, device(config), watched)
        found.append(100 * float(roc_auc_score(truth, -trained.watched[-1])))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
