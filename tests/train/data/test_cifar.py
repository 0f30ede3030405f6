"""CIFAR's pickles: read as one-class data, and never run."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import InputError
from train.data import cifar_batch
from train.data.config import CifarData
from train.data.load import load
from train.data.pixels import read_sample

NAMES = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog", b"horse", b"ship", b"truck"]


def write(path: Path, label: int, rows: int = 20, protocol: int = 2) -> None:
    """A batch of classes 0 to 9 in turn; red is the row, green the column, blue the label of the batch."""
    data = np.zeros((rows, 3, 1024), np.uint8)
    data[:, 0] = np.arange(rows)[:, None]
    data[:, 1] = np.arange(1024) % 32
    data[:, 2] = label
    content = {b"data": data.reshape(rows, 3072), b"labels": [row % 10 for row in range(rows)]}
    path.write_bytes(pickle.dumps(content, protocol=protocol))


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for number in range(1, 6):
        write(folder / f"data_batch_{number}", number, protocol=number)  # as Python 2, and as every Python 3 writes
    write(folder / "test_batch", 99)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": NAMES}))
    return tmp_path


def test_one_class_is_normal_and_the_test_batch_holds_all(cifar10: Path) -> None:
    split = load(CifarData(root=str(cifar10), normal_class="Cat", calibration_fraction=0.2))
    assert (len(split.fit), len(split.calibration), len(split.test)) == (8, 2, 20)
    assert {sample.label for sample in split.fit + split.calibration} == {"cat"}
    assert sum(sample.is_anomaly for sample in split.test) == 18
    assert split.unused["train/dog"] == 10
    assert load(CifarData(root=str(cifar10 / "cifar-10-batches-py"), normal_class=3, calibration_fraction=0.2)) == split
    for sample in split.all():
        batch = 99 if sample.path.name == "test_batch" else int(sample.path.name[-1])
        rgb = read_sample(sample)
        assert rgb.shape == (32, 32, 3) and sample.box == (0, 0, 32, 32)
        assert rgb[5, 7].tolist() == [sample.row, 7, batch]


def test_images_per_class_limits_the_training_images(cifar10: Path) -> None:
    for number in range(1, 6):
        write(cifar10 / "cifar-10-batches-py" / f"data_batch_{number}", number, rows=60)
    split = load(CifarData(root=str(cifar10), normal_class="cat", images_per_class=10))
    assert (len(split.fit), len(split.calibration), len(split.test)) == (9, 1, 20)
    assert split.unused["train/cat"] == 20


def test_cifar100_has_meta_classes(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for name in ("train", "test"):
        data = np.zeros((8, 3072), np.uint8)
        labels = {"fine_labels": list(range(8)), "coarse_labels": [0, 0, 0, 0, 1, 1, 1, 1]}
        (folder / name).write_bytes(pickle.dumps({"data": data, **labels}))
    (folder / "meta").write_bytes(pickle.dumps({"coarse_label_names": ["fish", "flowers"]}))
    split = load(CifarData(root=str(tmp_path), normal_class="flowers"))
    assert {sample.label for sample in split.fit} == {"flowers"}
    assert sum(sample.is_anomaly for sample in split.test) == 4


@pytest.mark.parametrize("wanted", ["kat", 10, -1])
def test_unknown_class_lists_the_allowed(cifar10: Path, wanted: str | int) -> None:
    with pytest.raises(InputError, match=f"{wanted}.*Allowed: 0 airplane, 1 automobile"):
        load(CifarData(root=str(cifar10), normal_class=wanted))


def test_a_pickle_that_would_run_code_is_refused(cifar10: Path, tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    batch = cifar10 / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(pickle.dumps({b"data": Malicious(), b"labels": []}))
    with pytest.raises(InputError, match=r"data_batch_3.*system"):
        load(CifarData(root=str(cifar10), normal_class="cat"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps([1]), pickle.dumps({b"data": b"x"})])
def test_damaged_batches_are_named(cifar10: Path, content: bytes) -> None:
    (cifar10 / "cifar-10-batches-py" / "data_batch_2").write_bytes(content)
    with pytest.raises(InputError, match="data_batch_2"):
        load(CifarData(root=str(cifar10), normal_class="cat"))


def test_missing_batch_and_missing_folder(cifar10: Path) -> None:
    (cifar10 / "cifar-10-batches-py" / "data_batch_5").unlink()
    with pytest.raises(InputError, match=r"data_batch_5.*complete"):
        load(CifarData(root=str(cifar10), normal_class="cat"))
    with pytest.raises(InputError, match="neither cifar-10-batches-py nor cifar-100-python"):
        load(CifarData(root=str(cifar10 / ".."), normal_class="cat"))


def test_a_batch_is_read_once_and_again_when_it_changes(cifar10: Path) -> None:
    path = cifar10 / "cifar-10-batches-py" / "test_batch"
    first = cifar_batch.images(path)
    assert cifar_batch.images(path) is first
    write(path, 7)
    os.utime(path, ns=(0, 1))
    assert cifar_batch.images(path)[0, 0, 0, 2] == 7
