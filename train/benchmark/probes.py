"""What single numbers give away without a detector: shortcuts that a figure must be read beside."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from onboard import files
from onboard.image import Grey
from train.benchmark.config import Protocol
from train.benchmark.features import ProtocolFeatures, test_view
from train.data.pixels import read_sample
from train.data.samples import Sample
from train.views.apply import apply
from train.views.recipe import View

Numbers = dict[str, npt.NDArray[np.float64]]
AREA, BRIGHTNESS, SUPERVISED = "box area", "mean brightness", "(with labels: supervised, 5 folds)"
_FOLDS = 5


def of_features(table: ProtocolFeatures, samples: Sequence[Sample], split: int) -> Numbers:
    """The mean and the norm of each stage's average vector, by sample."""
    return of_vectors({name: table.judged(samples, (name,), split).numpy() for name in table.columns})


def of_vectors(vectors: Mapping[str, npt.NDArray[np.float32]]) -> Numbers:
    """The same of vectors by name, N x C each; spreads over the map (`..._std`) are left out."""
    found: Numbers = {}
    for name, values in vectors.items():
        if not name.endswith("_std"):
            found[f"mean of {name}"] = values.astype(np.float64).mean(1)
            found[f"norm of {name}"] = np.linalg.norm(values.astype(np.float64), axis=1)
    return found


def supervised(table: ProtocolFeatures, samples: Sequence[Sample], split: int) -> Numbers:
    """What labels would give: scores of a logistic regression that was trained with them, by sample.

    All vectors side by side, standardised; five folds of the test part, each scored by a model of the other four. It
    is a bound for heads on these features, not a detector: who has labels of debris needs no one-class training.
    """
    truth = np.array([sample.is_anomaly for sample in samples])
    folds = min(_FOLDS, int(truth.sum()), int((~truth).sum()))
    if folds < 2:  # too few of either to hold some back
        return {}
    features = table.judged(samples, list(table.columns), split).double().numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-2, class_weight="balanced", max_iter=500))
    parts = StratifiedKFold(folds, shuffle=True, random_state=split)
    return {SUPERVISED: cross_val_predict(model, features, truth, cv=parts, method="decision_function")}


def of_pixels(protocol: Protocol, samples: Sequence[Sample], split: int, grey: Grey, kept: Path) -> Numbers:
    """Box area and mean brightness in the box, by sample; kept in a folder, for images must be read for them.

    The area is that before crops are matched to one size, for afterwards there is but one.
    """
    view = test_view(protocol, split)
    names = hashlib.sha256("\n".join(s.key for s in samples).encode() + msgspec.json.encode(view)).hexdigest()[:16]
    path = kept / f"{names}.npz"
    if not path.exists():
        with ThreadPoolExecutor(2) as pool:
            work = pool.map(lambda sample: area_and_brightness(view, sample, grey), samples)
            rows = list(tqdm(work, total=len(samples), desc="probes", unit="image", disable=None))
        with files.whole(path) as beside:
            np.savez(beside, rows=np.array(rows))
    with np.load(path) as saved:
        return {AREA: saved["rows"][:, 0], BRIGHTNESS: saved["rows"][:, 1]}


def area_and_brightness(view: View, sample: Sample, grey: Grey) -> tuple[float, float]:
    """Area of a sample's box in px, before crops are matched to one size, and the mean grey level in the box."""
    frame = read_sample(sample, grey)
    before = msgspec.structs.replace(view, recipe=msgspec.structs.replace(view.recipe, match_px=None))
    _, unmatched = apply(before, frame, sample)
    seen, box = apply(view, frame, sample)
    x_min, y_min, x_max, y_max = (max(0, round(value)) for value in box)
    inside = seen[y_min : max(y_max, y_min + 1), x_min : max(x_max, x_min + 1)]
    area = (unmatched[2] - unmatched[0]) * (unmatched[3] - unmatched[1])
    return area, float(inside.mean())
