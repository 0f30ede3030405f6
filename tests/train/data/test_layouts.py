"""Each SPARK layout is recognised, and its traps are no traps."""

import shutil
from pathlib import Path

import pytest

from onboard.errors import InputError
from train.data.check import check
from train.data.config import SparkData
from train.data.load import load
from train.data.pixels import read_sample

X_FIRST = (20.0, 10.0, 50.0, 40.0)
"""The fixtures' one box as (x_min, y_min, x_max, y_max), whichever order its label file has."""


@pytest.mark.parametrize(
    ("name", "parts"),
    [("spark2021", (10, 2, 18)), ("spark2022", (22, 2, 13)), ("spark2024", (10, 2, 4))],
)
def test_each_layout_is_found_and_read(name: str, parts: tuple[int, int, int], request) -> None:
    root = request.getfixturevalue(name)
    report = check(SparkData(root=str(root)))
    assert report.defects == ()
    assert report.summary.layout == name
    split = load(SparkData(root=str(root)))
    assert (len(split.fit), len(split.calibration), len(split.test)) == parts
    assert {sample.box for sample in split.all()} == {X_FIRST}
    assert not any(sample.is_anomaly for sample in split.fit + split.calibration)
    for sample in split.all():  # every sample's box holds its bright target
        x_min, y_min, x_max, y_max = map(int, sample.box)
        assert read_sample(sample)[y_min:y_max, x_min:x_max].mean() > 190


def test_2021_table_of_png_finds_jpg_and_anomalies_of_train_stay_out(spark2021: Path) -> None:
    split = load(SparkData(root=str(spark2021)))
    assert split.fit[0].path.suffix == ".jpg"
    assert split.fit[0].line.startswith("train/train_labels.csv:")
    assert split.unused == {"train/Debris": 6}
    assert sum(sample.is_anomaly for sample in split.test) == 6


def test_2021_without_the_outer_folder_and_with_numbered_test_images(spark2021: Path, drawn) -> None:
    for source in ("train", "validate"):
        shutil.move(spark2021 / source / f"{source}_rgb", spark2021 / f"{source}_rgb")
        shutil.move(spark2021 / source / f"{source}_labels.csv", spark2021 / f"{source}_labels.csv")
        (spark2021 / source).rmdir()
    for index in range(3):
        drawn(spark2021 / "test_rgb" / f"{index}.png")
    rows = [f'{index},{index}.png,x,{number},"[10,20,40,50]"' for index, number in enumerate((6, 9, 11))]
    (spark2021 / "test_labels.csv").write_text("\n".join(["id,image,depth,class,bbox", *rows]))
    report = check(SparkData(root=str(spark2021)))
    # Number 6 is Debris and 9 TRMM in the table of 2021; there is no 11.
    assert report.summary.images["test", "Debris"] == report.summary.images["test", "TRMM"] == 1
    assert [(d.kind, d.file, d.line) for d in report.defects] == [("unknown-class", "test_labels.csv", 4)]
    split = load(SparkData(root=str(spark2021)))  # test_rgb is not used, so its defect is no hindrance
    assert {sample.source for sample in split.all()} == {"train", "validate"}


def test_2021_classes_directly_in_the_part(spark2021: Path) -> None:
    before = load(SparkData(root=str(spark2021)))
    for source in ("train", "validate"):
        for folder in (spark2021 / source / f"{source}_rgb").iterdir():
            shutil.move(folder, spark2021 / source / folder.name)
        (spark2021 / source / f"{source}_rgb").rmdir()
    after = load(SparkData(root=str(spark2021)))
    assert len(after.test) == len(before.test) == 18 and not after.skipped


def test_2021_rows_that_differ_in_their_number_alone_agree(spark2021: Path) -> None:
    table = spark2021 / "train/train_labels.csv"
    last = table.read_text().splitlines()[-1]
    table.write_text(table.read_text() + "\n" + last.replace("TRMM,5", "TRMM,99"))
    split = load(SparkData(root=str(spark2021), on_defect="skip"))
    assert split.skipped == {"duplicate-row": 1}
    assert len(split.fit + split.calibration) == 12


def test_2024_table_per_part_and_rival_tables(spark2024: Path) -> None:
    table = spark2024 / "all labels.csv"
    header, *rows = table.read_text().splitlines()
    split = load(SparkData(root=str(spark2024)))
    table.rename(spark2024 / "labels_train.csv")
    (spark2024 / "labels_train.csv").write_text(
        "\n".join([header, *[r for r in rows if "0_img" not in r and "1_img" not in r]])
    )
    (spark2024 / "labels_val.csv").write_text("\n".join([header, *[r for r in rows if "0_img" in r or "1_img" in r]]))
    assert load(SparkData(root=str(spark2024))).hash() == split.hash()
    (spark2024 / "old labels.csv").write_text("\n".join([header, *rows]))
    with pytest.raises(InputError, match=r"labels_train\.csv.*old labels\.csv"):
        load(SparkData(root=str(spark2024)))


def test_one_name_in_two_parts_is_not_guessed(spark2024: Path, drawn) -> None:
    drawn(spark2024 / "images/SOHO/val/image_00007_img.jpg")
    report = check(SparkData(root=str(spark2024)))
    assert [(d.kind, d.line) for d in report.defects] == [("ambiguous-image", 17)]


def test_box_order_can_be_forced(spark2022: Path) -> None:
    split = load(SparkData(root=str(spark2022), box_order="column_first"))
    assert {sample.box for sample in split.all()} == {(10.0, 20.0, 40.0, 50.0)}


def test_wrong_folders_say_what_to_do(tmp_path: Path, spark2022: Path, spark2024: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load(SparkData(root=str(tmp_path / "nowhere")))
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError, match="is empty"):
        load(SparkData(root=str(tmp_path / "void")))
    with pytest.raises(InputError, match=r"holds: set2022, set2024, void.*'layout:'"):
        load(SparkData(root=str(tmp_path)))
    with pytest.raises(InputError, match="does not look like spark2021"):
        load(SparkData(root=str(spark2022), layout="spark2021"))
    for entry in spark2024.iterdir():
        shutil.move(entry, spark2022 / entry.name)
    with pytest.raises(InputError, match=r"spark2022 and spark2024.*set 'layout:'"):
        load(SparkData(root=str(spark2022)))
    assert len(load(SparkData(root=str(spark2022), layout="spark2024")).test) == 4
