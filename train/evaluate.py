"""Evaluate a run on its test part: metrics, plots, and the worst mistakes."""

import csv
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from onboard import files, provenance
from onboard.errors import InputError
from train import metrics, plots, runs
from train.config import RunConfig
from train.data.config import SparkData
from train.data.samples import Sample
from train.fit import describe
from train.prepare import Prepared, prepare
from train.sheet import mistakes_sheet

METRICS, PREDICTIONS = "metrics.json", "predictions.csv"


def evaluate(run: Path, config: RunConfig) -> dict[str, Any]:
    """Score the test part and write `metrics.json`, `predictions.csv` and the pictures into the run's folder.

    The figures are those of the last epoch. Beside them stands what the paper's protocol gives, the best epoch by the
    test labels; it is named so, and nothing else uses it.

    Raises:
        InputError: the run was not finished, or its data are no longer what it was fitted on.
    """
    head, prepared = load_run(run, config)
    with torch.inference_mode():
        logits = head.model(prepared.features["test"]).numpy()
    test = prepared.split.test
    is_anomaly = np.array([sample.is_anomaly for sample in test])
    scores = -logits
    last = metrics.measure(is_anomaly, scores)
    best = _best_epoch(run, is_anomaly)
    kinds, labels = [sample.kind for sample in test], [sample.label for sample in test]
    result = {
        "last_epoch": last.as_dict() if last else None,
        "labelled_best_epoch": best,
        "test": {"normal": int((~is_anomaly).sum()), "anomalous": int(is_anomaly.sum())},
        "by_anomaly_kind": metrics.by_group(is_anomaly, scores, kinds, of_anomalies=True),
        "by_normal_class": metrics.by_group(is_anomaly, scores, labels, of_anomalies=False),
        "provenance": provenance.record(config.seed, **describe(prepared)),
    }
    _write_predictions(run / PREDICTIONS, test, logits)
    plots.score_histogram(run / "scores.png", is_anomaly, scores, run.name)
    (run / "roc.png").unlink(missing_ok=True)  # an older one would be another data set's
    if last:
        plots.roc(run / "roc.png", is_anomaly, scores, last, run.name)
    grey = config.data.grey if isinstance(config.data, SparkData) else "refuse"
    mistakes_sheet(run / "mistakes.png", test, scores, config.crop, grey)
    files.write_bytes(run / METRICS, msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    return result


def load_run(run: Path, config: RunConfig) -> tuple[runs.FittedHead, Prepared]:
    """A finished run's head, and its data prepared as they were when it was fitted.

    Raises:
        InputError: the run was not finished, or data or weights have changed since.
    """
    head = runs.read_head(run, config)
    prepared = prepare(config)
    if prepared.split.hash() != head.split_sha256:
        raise InputError(
            f"{run}: the data in {config.data.root} are not those that the run was fitted on (the split's hash differs)"
            "; restore them, or fit a new run"
        )
    if prepared.content_sha256 != head.content_sha256:
        raise InputError(
            f"{run}: images in {config.data.root} are not those that the run was fitted on "
            "(their contents' hash differs); restore them, or fit a new run"
        )
    if prepared.backbone.weights_sha256 != head.weights_sha256:
        raise InputError(f"{run}: the backbone's weights are not those that the run was fitted with; restore them")
    return head, prepared


def text(result: dict[str, Any]) -> str:
    """The figures for a terminal, as percentages."""
    test = result["test"]
    lines = [f"test part: {test['normal']} normal, {test['anomalous']} anomalous"]
    if result["last_epoch"] is None:
        return f"{lines[0]}; both are needed for an AUROC"
    last, best = result["last_epoch"], result["labelled_best_epoch"]
    low, high = (100 * value for value in last["auroc_95"])
    name = "last epoch" if best["of_epochs"] > 1 else "no epochs"
    lines += [
        f"{name:<28}AUROC {100 * last['auroc']:5.1f} (95 % interval {low:.1f} to {high:.1f})   "
        f"AUPR {100 * last['aupr']:.1f}",
        f"                            debris found at 5 / 1 / 0.1 % false alarms {100 * last['tpr_at_5_fpr']:.1f} / "
        f"{100 * last['tpr_at_1e2_fpr']:.1f} / {100 * last['tpr_at_1e3_fpr']:.1f} %, "
        f"false alarms where 95 % are found {100 * last['fpr_at_95_tpr']:.1f} %",
    ]
    if best["of_epochs"] > 1:
        lines.append(
            f"best epoch BY TEST LABELS   AUROC {100 * best['auroc']:5.1f} (epoch {best['epoch']} of "
            f"{best['of_epochs']}; the paper's protocol, not a figure to expect in flight)"
        )
    for title, groups in (("anomaly kind", result["by_anomaly_kind"]), ("satellite class", result["by_normal_class"])):
        lines.append(f"{title:<28}samples   AUROC")
        for name, group in groups.items():
            auroc = "-" if group["auroc"] is None else f"{100 * group['auroc']:.1f}"
            lines.append(f"  {name:<26}{group['samples']:7d}{auroc:>8}")
    return "\n".join(lines)


def _best_epoch(run: Path, is_anomaly: npt.NDArray[np.bool_]) -> dict[str, Any] | None:
    """The paper's protocol: the epoch whose AUROC on the labelled test data is the highest."""
    path = run / runs.EPOCH_LOGITS
    try:
        logits = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); remove {run} and fit it again") from error
    if logits.ndim != 2 or logits.shape[1] != len(is_anomaly) or not len(logits):
        raise InputError(f"{path}: does not fit {len(is_anomaly)} test samples; remove {run} and fit it again")
    if is_anomaly.all() or not is_anomaly.any():
        return None
    curve = metrics.auroc_by_epoch(is_anomaly, -logits)
    best = int(np.argmax(curve))
    found = metrics.measure(is_anomaly, -logits[best])
    return {
        "selection": "maximum over epochs by the labels of the test part (paper's protocol)",
        "epoch": best + 1,
        "of_epochs": len(curve),
        **(found.as_dict() if found else {}),
        "auroc_by_epoch": curve,
    }


def _write_predictions(path: Path, test: tuple[Sample, ...], logits: npt.NDArray[np.float32]) -> None:
    with files.whole(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["key", "class", "kind", "is_anomaly", "logit", "anomaly_score", "longer_side_px"])
        for sample, logit in zip(test, logits.tolist(), strict=True):
            x_min, y_min, x_max, y_max = sample.box
            longer = float(max(x_max - x_min, y_max - y_min))  # how far away the object is, nearly
            found = [int(sample.is_anomaly), repr(logit), repr(-logit), repr(longer)]
            out.writerow([sample.key, sample.label, sample.kind, *found])
