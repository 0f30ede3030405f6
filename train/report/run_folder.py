"""An evaluated run's folder, as far as the page needs it: figures, predictions, configuration, provenance."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from onboard.errors import InputError
from train.data import csv_table
from train.evaluate import METRICS, PREDICTIONS
from train.metrics import Flags
from train.runs import CONFIG, PROVENANCE

MISTAKES = "mistakes.png"


class Figures(msgspec.Struct, frozen=True):
    """The metrics of one epoch, as `train.metrics.Metrics`; for the labelled best epoch also which one it is."""

    auroc: float
    auroc_95: tuple[float, float]
    aupr: float
    fpr_at_95_tpr: float
    tpr_at_5_fpr: float
    epoch: int | None = None
    of_epochs: int | None = None
    auroc_by_epoch: list[float] = []


class Group(msgspec.Struct, frozen=True):
    """The figures of a satellite class or of a kind of debris."""

    samples: int
    auroc: float | None
    mean_score: float


class Metrics(msgspec.Struct, frozen=True):
    """`metrics.json`. Without both satellites and debris in the test part there is no AUROC."""

    last_epoch: Figures | None
    labelled_best_epoch: Figures | None
    test: dict[str, int]
    by_anomaly_kind: dict[str, Group]
    by_normal_class: dict[str, Group]
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """An evaluated run; N test samples.

    Attributes:
        folder: where it lies.
        metrics: what `evaluate` found.
        keys: the samples' names.
        groups: the class of a satellite, the kind of a piece of debris.
        is_anomaly: bool [N].
        scores: float64 [N], high for debris.
        sides: float64 [N], the longer side of the box in source pixels.
        config: the configuration's text.
        provenance: the text of what the fit came from.
    """

    folder: Path
    metrics: Metrics
    keys: list[str]
    groups: list[str]
    is_anomaly: Flags
    scores: npt.NDArray[np.float64]
    sides: npt.NDArray[np.float64]
    config: str
    provenance: str

    @property
    def has_epochs(self) -> bool:
        """Whether the head was trained by epochs, among which labels could choose; a closed form was not."""
        best = self.metrics.labelled_best_epoch
        return best is not None and (best.of_epochs or 1) > 1


def remedy(folder: Path) -> str:
    """What to do where a file that `evaluate` writes cannot be used."""
    return f"run 'python -m train evaluate {folder}' again"


def read(folder: Path) -> Run:
    """Read an evaluated run.

    Raises:
        InputError: a file is missing or damaged, or the files are not of one evaluation.
    """
    again = remedy(folder)
    try:
        metrics = msgspec.json.decode((folder / METRICS).read_bytes(), type=Metrics)
    except OSError as error:
        raise InputError(f"{folder / METRICS}: cannot be read ({error.strerror}); {again}") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{folder / METRICS}: damaged, or of another version ({error}); {again}") from error
    rows = _rows(folder / PREDICTIONS, again)
    is_anomaly = np.array([cells["is anomaly"] == "1" for cells in rows], bool)
    counted = {"normal": int((~is_anomaly).sum()), "anomalous": int(is_anomaly.sum())}
    if counted != metrics.test:
        raise InputError(f"{folder / PREDICTIONS}: does not belong to {METRICS} ({counted}, {metrics.test}); {again}")
    refit = f"remove {folder} and fit it again"
    return Run(
        folder=folder,
        metrics=metrics,
        keys=[cells["key"] for cells in rows],
        groups=[cells["kind" if cells["is anomaly"] == "1" else "class"] for cells in rows],
        is_anomaly=is_anomaly,
        scores=np.array([float(cells["anomaly score"]) for cells in rows]),
        sides=np.array([float(cells["longer side px"]) for cells in rows]),
        config=_text(folder / CONFIG, refit),
        provenance=_text(folder / PROVENANCE, refit),
    )


def _rows(path: Path, again: str) -> list[dict[str, str]]:
    try:
        table = csv_table.read(path)
    except InputError as error:
        raise InputError(f"{error}; {again}") from error
    needed = ("key", "class", "kind", "is anomaly", "anomaly score", "longer side px")
    missing = [name.replace(" ", "_") for name in needed if name not in table.columns]
    if missing:
        raise InputError(f"{path}: the column {missing[0]} is missing (an older version wrote the file?); {again}")
    for row in table.rows:
        if row.cells["is anomaly"] not in ("0", "1") or not all(
            _is_finite(row.cells[name]) for name in ("anomaly score", "longer side px")
        ):
            raise InputError(f"{path}:{row.line}: damaged (a number is missing or not finite); {again}")
    if not table.rows:
        raise InputError(f"{path}: holds no predictions; {again}")
    return [row.cells for row in table.rows]


def _is_finite(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _text(path: Path, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: damaged, not UTF-8 text; {remedy}") from error
