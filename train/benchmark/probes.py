"""What single numbers give away without a detector: shortcuts that a figure must be read beside."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


def supervised(table: ProtocolFeatures, samples: Sequence[Sample], split: int, kept: Path) -> Numbers:
    """What labels would give: scores of a logistic regression that was trained with them, by sample; kept in a folder.

    All vectors side by side, standardised; five folds of the test part, each scored by a model of the other four. It
    is a bound for heads on these features, not a detector: who has labels of debris needs no one-class training.
    """
    truth = np.array([sample.is_anomaly for sample in samples])
    folds = min(_FOLDS, int(truth.sum()), int((~truth).sum()))
    if folds < 2:  # too few of either to hold some back
        return {}
    features = table.judged(samples, list(table.columns), split).double().numpy()

    def scores() -> npt.NDArray[np.float64]:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-2, class_weight="balanced", max_iter=500))
        parts = StratifiedKFold(folds, shuffle=True, random_state=split)
        return np.asarray(cross_val_predict(model, features, truth, cv=parts, method="decision_function"))

    return {SUPERVISED: _once(kept, [hashlib.sha256(features.tobytes()).hexdigest(), truth.tolist(), split], scores)}


def of_pixels(table: ProtocolFeatures, samples: Sequence[Sample], split: int, grey: Grey, kept: Path) -> Numbers:
    """Box area and mean brightness in the box, by sample; kept in a folder, for images must be read for them.

    The area is that before crops are matched to one size, for afterwards there is but one.
    """
    view = test_view(table.protocol, split)

    def rows() -> npt.NDArray[np.float64]:
        with ThreadPoolExecutor(2) as pool:
            work = pool.map(lambda sample: area_and_brightness(view, sample, grey), samples)
            return np.array(list(tqdm(work, total=len(samples), desc="probes", unit="image", disable=None)))

    decides = [table.content_sha256, [[s.key, s.box] for s in samples], msgspec.to_builtins(view)]
    if view.recipe.spares_anomalies:
        decides.append([s.is_anomaly for s in samples])
    found = _once(kept, decides, rows)
    return {AREA: found[:, 0], BRIGHTNESS: found[:, 1]}


def _once(kept: Path, decides: list[Any], compute: Callable[[], npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """What was computed before from the same, or is now."""
    path = kept / f"{hashlib.sha256(msgspec.json.encode(decides)).hexdigest()[:16]}.npy"
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError):  # not there, or damaged
        found = compute()
    with files.whole(path) as beside, beside.open("wb") as file:
        np.save(file, found)
    return found


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
