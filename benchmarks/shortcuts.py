"""What the test part gives away without a detector: box area alone, brightness alone.

python -m benchmarks.shortcuts configs/spark_sample.yaml --data /path/to/spark

An AUROC near 50 means that the number says nothing; below 50 that debris are smaller or darker.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks import ending
from onboard import machine
from train.config import load
from train.data.config import SparkData
from train.data.load import load as load_data
from train.data.pixels import read_sample
from train.data.samples import Sample


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", help="the data set's folder, instead of the config's")
    options = parser.parse_args()
    config = load(options.config, {"data.root": options.data} if options.data else None)
    grey = config.data.grey if isinstance(config.data, SparkData) else "refuse"
    test = load_data(config.data, config.seed).test
    truth = [sample.is_anomaly for sample in test]
    areas = [(s.box[2] - s.box[0]) * (s.box[3] - s.box[1]) for s in test]
    levels = [_brightness(sample, grey) for sample in test]
    print(f"{options.config.name}, {len(test)} test images, {machine.describe()}")
    for name, values in (("box area alone", areas), ("mean brightness in the box alone", levels)):
        print(f"{name:<34}AUROC {100 * float(roc_auc_score(truth, values)):.1f}")


def _brightness(sample: Sample, grey: str) -> float:
    x_min, y_min, x_max, y_max = (max(0, round(value)) for value in sample.box)
    return float(np.mean(read_sample(sample, grey)[y_min:y_max, x_min:x_max]))  # type: ignore[arg-type]


if __name__ == "__main__":
    ending.run(main)
