"""The split is disjoint, stratified, and the same wherever and in whatever order the samples come."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from onboard.errors import InputError
from train.data.samples import Sample, Split
from train.data.split import split


def some(label: str, number: int, source: str = "train") -> list[Sample]:
    return [
        Sample(
            key=f"{source}/{label}{index:03d}.jpg",
            path=Path("/here") / f"{label}{index}.jpg",
            row=None,
            box=(1.0, 2.0, 30.0, 40.0),
            label=label,
            is_anomaly=label == "debris",
            source=source,
        )
        for index in range(number)
    ]


SET = some("soho", 100) + some("cheops", 20) + some("rare", 2) + some("single", 1) + some("debris", 7)
VAL = some("soho", 10, "val") + some("debris", 5, "val")


def cut(samples: list[Sample], seed: int = 0) -> Split:
    return split(samples, calibration_fraction=0.1, test_fraction=0.2, seed=seed)


def test_own_validation_part_is_the_test() -> None:
    done = cut(SET + VAL)
    assert {s.key for s in done.test} == {s.key for s in VAL}
    assert Counter(s.label for s in done.calibration) == {"soho": 10, "cheops": 2, "rare": 1}
    assert Counter(s.label for s in done.fit) == {"soho": 90, "cheops": 18, "rare": 1, "single": 1}
    assert done.unused == {"train/debris": 7}


def test_a_test_that_is_drawn_anew_holds_all_debris_of_both_parts() -> None:
    done = split(SET + VAL, calibration_fraction=0.1, test_fraction=0.2, seed=0, redraw=True)
    assert Counter(s.label for s in done.test) == {"soho": 22, "cheops": 4, "debris": 12}
    assert {s.source for s in done.fit} == {"train", "val"} and done.unused == {}
    assert len(done.all()) == len(SET + VAL)


def test_without_one_a_share_of_the_normals_and_all_anomalies_are() -> None:
    done = cut(SET)
    assert Counter(s.label for s in done.test) == {"soho": 20, "cheops": 4, "debris": 7}
    assert Counter(s.label for s in done.calibration) == {"soho": 8, "cheops": 2, "rare": 1}
    keys = [s.key for s in done.all()]
    assert len(keys) == len(set(keys)) == len(SET)
    assert not any(s.is_anomaly for s in done.fit + done.calibration)


def test_the_draw_depends_on_the_seed_and_its_own_class_alone() -> None:
    whole = cut(SET)
    shuffled = list(SET)
    random.Random(1).shuffle(shuffled)
    assert cut(shuffled) == whole
    alone = cut([s for s in SET if s.label == "soho"])
    assert [s for s in whole.calibration if s.label == "soho"] == list(alone.calibration)
    assert [s for s in whole.test if s.label == "soho"] == list(alone.test)
    assert cut(SET, seed=1).calibration != whole.calibration


def test_the_hash_knows_labels_and_boxes_but_not_the_machine() -> None:
    whole = cut(SET)
    # A fixed value: the same split on every machine, Python and library version.
    assert whole.hash() == "45d6fd6158c6aeb715f92b2def4d4fd3ef388a2f0c89f6fd6c0b203702364992"
    moved = [replace(s, path=Path("D:/elsewhere") / s.path.name, line="x:1") for s in SET]
    assert cut(moved).hash() == whole.hash()
    assert cut([replace(SET[0], label="cheops"), *SET[1:]]).hash() != whole.hash()
    assert cut([replace(SET[0], box=(1.0, 2.0, 30.0, 41.0)), *SET[1:]]).hash() != whole.hash()
    assert cut(SET, seed=1).hash() != whole.hash()
    strange = [replace(s, label="new", key=s.key.replace("debris", "new")) for s in some("debris", 3)]
    other = [replace(s, is_anomaly=False) for s in strange]
    own = some("soho", 1, "val")
    assert cut([*SET, *own, *(replace(s, source="val") for s in strange)]).hash() != (
        cut([*SET, *own, *(replace(s, source="val") for s in other)]).hash()
    ), "the same images and labels, of which others count as debris"


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(InputError, match="no normal image in its part 'train'"):
        cut(VAL)
