"""CIFAR-10 and CIFAR-100 as one-class data: one class is normal, all others are anomalies."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from onboard.errors import InputError
from train.data import cifar_batch, draw
from train.data.cifar_batch import SIDE
from train.data.config import CifarData
from train.data.samples import Sample, Split
from train.data.split import split


@dataclass(frozen=True)
class _Edition:
    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    names: bytes
    labels: bytes


_EDITIONS = (
    _Edition(
        "cifar-10-batches-py",
        tuple(f"data_batch_{number}" for number in range(1, 6)),
        "test_batch",
        "batches.meta",
        b"label_names",
        b"labels",
    ),
    # Of CIFAR-100 the 20 meta-classes: with the 100 fine ones, 500 images would be left for a class.
    _Edition("cifar-100-python", ("train",), "test", "meta", b"coarse_label_names", b"coarse_labels"),
)


def load(config: CifarData, seed: int = 0) -> Split:
    """Read CIFAR as a split: the test batch is the test, whole; the normal training images are the rest.

    Raises:
        InputError: the folder is not CIFAR's, a file of it is missing or damaged, or there is no such class.
    """
    folder, edition = _find(Path(config.root).expanduser())
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in _names(folder, edition)]
    normal = _class(config.normal_class, names)
    train = [s for batch in edition.train for s in _samples(folder, edition, batch, "train", names, normal)]
    test = _samples(folder, edition, edition.test, "test", names, normal)
    kept = {s.key for s in train if not s.is_anomaly}
    if config.images_per_class is not None:
        kept = set(draw.order(kept, seed)[: config.images_per_class])
    unused = Counter(f"train/{s.label}" for s in train if s.key not in kept)
    # The test batch is there, so no test is to be cut.
    done = split([s for s in train if s.key in kept] + test, config.calibration_fraction, 0.0, seed)
    return Split(done.fit, done.calibration, done.test, done.skipped, dict(sorted(unused.items())))


def _find(root: Path) -> tuple[Path, _Edition]:
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; set 'root:' to the folder that holds {_EDITIONS[0].folder}")
    inside = [(root / e.folder, e) for e in _EDITIONS if (root / e.folder).is_dir()]
    found = inside or [(root, e) for e in _EDITIONS if (root / e.meta).is_file()]
    if len(found) > 1:
        raise InputError(f"{root}: holds both CIFAR-10 and CIFAR-100; set 'root:' to the one folder that is meant")
    if not found:
        raise InputError(
            f"{root}: holds neither {' nor '.join(e.folder for e in _EDITIONS)}; set 'root:' to the folder "
            "of the unpacked 'python version' of CIFAR"
        )
    return found[0]


def _names(folder: Path, edition: _Edition) -> list[object]:
    names = cifar_batch.load(folder / edition.meta).get(edition.names)
    if not isinstance(names, list) or not names:
        raise InputError(f"{folder / edition.meta}: no list {edition.names.decode()}; fetch the file again")
    return names


def _class(wanted: str | int, names: list[str]) -> int:
    if isinstance(wanted, int) and 0 <= wanted < len(names):
        return wanted
    folded = [name.casefold() for name in names]
    if isinstance(wanted, str) and wanted.strip().casefold() in folded:
        return folded.index(wanted.strip().casefold())
    listed = ", ".join(f"{number} {name}" for number, name in enumerate(names))
    raise InputError(f"normal_class: {wanted!r} is no class of this data set. Allowed: {listed}")


def _samples(folder: Path, edition: _Edition, batch: str, source: str, names: list[str], normal: int) -> list[Sample]:
    path = folder / batch
    content = cifar_batch.load(path)
    labels = content.get(edition.labels)
    rows = len(cifar_batch.images(path))
    if not isinstance(labels, list) or len(labels) != rows:
        raise InputError(f"{path}: {edition.labels.decode()} is not a list of {rows} labels; fetch the file again")
    if bad := [label for label in labels if not isinstance(label, int) or not 0 <= label < len(names)]:
        raise InputError(f"{path}: the label {bad[0]!r} is not in 0 to {len(names) - 1}; fetch the file again")
    side = float(SIDE)
    return [
        Sample(
            key=f"{edition.folder}/{batch}#{row:05d}",
            path=path,
            row=row,
            box=(0.0, 0.0, side, side),
            label=names[label],
            is_anomaly=label != normal,
            source=source,
        )
        for row, label in enumerate(labels)
    ]
