"""A bundle flown over a run's test images under each protocol: as they are, matched, and equalised.

python -m benchmarks.fly_protocols runs/spark_sample --data /path/to/spark
"""

import argparse
from pathlib import Path

import msgspec
import numpy as np

from benchmarks import ending
from onboard import Detector, machine
from train import metrics, runs
from train.data import load as loading
from train.data.config import SparkData
from train.data.pixels import read_sample
from train.views.apply import apply
from train.views.recipe import Recipe, views

PROTOCOLS = {
    "raw": Recipe(),
    "matched at 64 px": Recipe(match_px=64),
    "matched at 32 px": Recipe(match_px=32),
    "equalised": Recipe(reduce_to_px=(64, 160), match_px=64),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="with its bundle")
    parser.add_argument("--data", help="the data set's folder, where it has moved")
    options = parser.parse_args()
    config = runs.read_config(options.run)
    data = msgspec.structs.replace(config.data, root=options.data) if options.data else config.data
    grey = data.grey if isinstance(data, SparkData) else "refuse"
    test = loading.load(data, config.seed).test
    detector = Detector.load(options.run / "bundle")
    is_anomaly = np.array([sample.is_anomaly for sample in test])
    print(f"{options.run}: {len(test)} test images through onboard.Detector, {machine.describe()}")
    for name, recipe in PROTOCOLS.items():
        view = views(recipe, seed=2_000_000)[0]  # draws that no training saw
        answers = [detector(*apply(view, read_sample(sample, grey), sample)) for sample in test]
        answered = np.array([answer.anomaly_score is not None for answer in answers])
        scores = np.array([answer.anomaly_score for answer in answers if answer.anomaly_score is not None])
        found = metrics.measure(is_anomaly[answered], scores)
        if found is None:
            raise SystemExit(f"{name}: normals and anomalies are both needed")
        low, high = found.auroc_95
        alarms = np.mean(
            [a.p_value is not None and a.p_value <= 0.05 for a, x in zip(answers, is_anomaly, strict=True) if not x]
        )
        print(
            f"  {name:<18}AUROC {100 * found.auroc:.1f} (95 % interval {100 * low:.1f} to {100 * high:.1f}), "
            f"satellites with p <= 0.05: {100 * alarms:.0f} %, answered {answered.sum()} of {len(test)}"
        )


if __name__ == "__main__":
    ending.run(main)
