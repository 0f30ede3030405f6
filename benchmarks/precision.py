"""Two bundles of one run, such as float32 and float16, flown over its test images: AUROC and the logits' difference.

python -m benchmarks.precision runs/spark_sample FP32_BUNDLE FP16_BUNDLE --data /path/to/spark
"""

import argparse
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks import ending
from benchmarks.fly_protocols import PROTOCOLS
from onboard import Detector, machine
from onboard.normal_scores import NormalScores
from train import metrics, runs
from train.data import load as loading
from train.data.config import SparkData
from train.data.pixels import read_sample
from train.views.apply import apply
from train.views.recipe import views

Values = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("bundles", type=Path, nargs=2, metavar="BUNDLE")
    parser.add_argument("--data", help="the data set's folder, where it has moved")
    options = parser.parse_args()
    config = runs.read_config(options.run)
    data = msgspec.structs.replace(config.data, root=options.data) if options.data else config.data
    grey = data.grey if isinstance(data, SparkData) else "refuse"
    test = loading.load(data, config.seed).test
    detectors = [Detector.load(folder) for folder in options.bundles]
    is_anomaly = np.array([sample.is_anomaly for sample in test])
    one, other = (detector.bundle.manifest.precision for detector in detectors)
    print(f"{options.run}: {len(test)} test images, {one} against {other}, {machine.describe()}")
    frames = [scores.frames if (scores := NormalScores.of(d.bundle)) is not None else 0 for d in detectors]
    print(f"  p-values rest on {frames[0]} and {frames[1]} normal frames: only of the same ones are alarms comparable")
    for name, recipe in PROTOCOLS.items():
        view = views(recipe, seed=2_000_000)[0]  # as in fly_protocols
        answers = []
        for sample in test:
            shown = apply(view, read_sample(sample, grey), sample)
            answers.append([detector(*shown) for detector in detectors])
        both = np.array([all(answer.logit is not None for answer in pair) for pair in answers])
        logits = np.array([[a.logit for a in p] for p, there in zip(answers, both, strict=True) if there])
        p_values = np.array([[a.p_value for a in p] for p, there in zip(answers, both, strict=True) if there], float)
        before, after = (_auroc(is_anomaly[both], logits[:, i]) for i in (0, 1))
        alarms = [100 * np.mean(p_values[~is_anomaly[both], i] <= 0.05) for i in (0, 1)]
        furthest = np.abs(logits[:, 0] - logits[:, 1]).max()
        print(
            f"  {name:<18}AUROC {100 * before:.2f} against {100 * after:.2f} (change {100 * (after - before):+.2f}), "
            f"largest logit difference {furthest:.3f}, satellites with p <= 0.05: {alarms[0]:.0f} % against "
            f"{alarms[1]:.0f} %, answered {both.sum()} of {len(test)}",
            flush=True,
        )


def _auroc(is_anomaly: npt.NDArray[np.bool_], logits: Values) -> float:
    found = metrics.measure(is_anomaly, -logits)
    if found is None:
        raise SystemExit("normals and anomalies are both needed")
    return found.auroc


if __name__ == "__main__":
    ending.run(main)
