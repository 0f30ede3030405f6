"""A bundle flown over a run's test images under each protocol: as they are, matched, and equalised; and beside its
figure the best single number of the images and of the backbone's features, chosen and turned by the test's labels.

python -m benchmarks.fly_protocols runs/spark_sample --data /path/to/spark
python -m benchmarks.fly_protocols runs/spark_sample --disturbed      # other frames, and what becomes of the threshold
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks import ending
from onboard import Detector, machine
from onboard.errors import InputError
from onboard.image import Grey
from onboard.messages import Answer
from train import bootstrap, metrics, runs
from train.benchmark import probes
from train.config import RunConfig
from train.data import load as loading
from train.data.config import SparkData
from train.data.pixels import read_sample
from train.data.samples import Split
from train.features.extract import extract
from train.prepare import backbone_of, device
from train.views.apply import apply
from train.views.recipe import Recipe, View, views

PROTOCOLS = {
    "raw": Recipe(),
    "matched at 64 px": Recipe(match_px=64),
    "matched at 32 px": Recipe(match_px=32),
    "equalised": Recipe(reduce_to_px=(64, 160), match_px=64),
}
DISTURBED = {
    "as they are": Recipe(),
    **{f"{factor:g} times the light": Recipe(exposure=factor) for factor in (0.5, 0.75, 1.3, 2)},
    **{f"grey noise, {levels} levels": Recipe(noise_levels=levels) for levels in (2, 4, 8)},
    **{f"colour noise, {levels} levels": Recipe(colour_noise_levels=levels) for levels in (2, 4, 8)},
    **{f"blur, {pixels} px": Recipe(blur_px=pixels) for pixels in (1, 2)},
}
SEED = 2_000_000  # of draws that no training saw
_ALPHA = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="with its bundle")
    parser.add_argument("--data", help="the data set's folder, where it has moved")
    parser.add_argument("--disturbed", action="store_true", help="frames under other light, noise and focus")
    options = parser.parse_args()
    config = runs.read_config(options.run)
    data = msgspec.structs.replace(config.data, root=options.data) if options.data else config.data
    grey = data.grey if isinstance(data, SparkData) else "refuse"
    split = loading.load(data, config.seed)
    if len({sample.is_anomaly for sample in split.test}) < 2:
        raise InputError(f"{data.root}: the test holds no debris, or nothing else; name a data set with both: --data")
    detector = Detector.load(options.run / "bundle")
    print(f"{options.run}: {len(split.test)} test images through onboard.Detector, {machine.describe()}")
    for name, recipe in (DISTURBED if options.disturbed else PROTOCOLS).items():
        view = views(recipe, seed=SEED)[0]
        answers = [detector(*apply(view, read_sample(sample, grey), sample)) for sample in split.test]
        flown = _flown(split, answers)
        print(f"  {name:<24}{flown.text()}")
        if not options.disturbed:
            best, number = _best_number(config, split, view, grey)
            beside = _beside(best, number[flown.answered], flown.scores, flown.truth[flown.answered])
            print(f"  {'':<24}{beside}")


class _Flown(NamedTuple):
    """Which images are debris, which were answered, the scores of these, and the shares with p <= `_ALPHA`."""

    truth: metrics.Flags
    answered: metrics.Flags
    scores: npt.NDArray[np.float64]
    satellites: float
    debris: float

    def text(self) -> str:
        found = metrics.measure(self.truth[self.answered], self.scores)
        if found is None:
            return "no satellite was answered, or no debris"
        low, high = found.auroc_95
        return (
            f"AUROC {100 * found.auroc:.1f} (95 % interval {100 * low:.1f} to {100 * high:.1f}), p <= {_ALPHA:g}: "
            f"{100 * self.satellites:.0f} % of the satellites, {100 * self.debris:.0f} % of the debris, "
            f"answered {self.answered.sum()} of {len(self.truth)}"
        )


def _flown(split: Split, answers: Sequence[Answer]) -> _Flown:
    truth = np.array([sample.is_anomaly for sample in split.test])
    answered = np.array([answer.anomaly_score is not None for answer in answers])
    scores = np.array([answer.anomaly_score for answer in answers if answer.anomaly_score is not None])
    low = np.array([answer.p_value is not None and answer.p_value <= _ALPHA for answer in answers])
    return _Flown(truth, answered, scores, float(low[~truth].mean()), float(low[truth].mean()))


def _beside(name: str, number: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], truth: metrics.Flags) -> str:
    """A single number in words, and what the head has more."""
    alone, more = metrics.auroc(truth, number), metrics.auroc(truth, scores) - metrics.auroc(truth, number)
    pairs = bootstrap.aurocs(truth, np.stack([scores, number]), bootstrap.drawn(truth.tolist()))
    low, _, high = bootstrap.interval(100 * (pairs[:, 0] - pairs[:, 1]))
    return (
        f"best single number BY LABELS: {name}, {100 * alone:.1f}; the head has {100 * more:+.1f} "
        f"(95 % interval, paired, {low:+.1f} to {high:+.1f})"
    )


def _best_number(config: RunConfig, split: Split, view: View, grey: Grey) -> tuple[str, npt.NDArray[np.float64]]:
    """Its name, and what it is of each sample, high where it is debris."""
    backbone = backbone_of(config, split)
    test = split.test
    features = extract(test, backbone, config.crop, Path(config.cache), device(config.device), grey, [view] * len(test))
    numbers = probes.of_vectors({name: features.values[:, place] for name, place in features.columns.items()})
    seen = np.array([probes.area_and_brightness(view, sample, grey) for sample in test])
    numbers |= {probes.AREA: seen[:, 0], probes.BRIGHTNESS: seen[:, 1]}
    is_anomaly = np.array([sample.is_anomaly for sample in test])
    best = max(numbers, key=lambda name: metrics.oriented_auroc(is_anomaly, numbers[name]))
    number = numbers[best]
    return best, number if metrics.auroc(is_anomaly, number) >= 0.5 else -number


if __name__ == "__main__":
    ending.run(main)
