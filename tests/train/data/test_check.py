"""The check finds every defect at once, each in its file and line; what is only odd stays usable."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from onboard.errors import InputError
from train.data import box_order
from train.data.box_order import Sign
from train.data.check import check
from train.data.config import SparkData
from train.data.load import load
from train.data.pixels import read_sample

PLANTED = [
    ('absent.jpg,soho,"[10, 20, 40, 50]"', "missing-image"),
    ('empty.jpg,soho,"[10, 20, 40, 50]"', "empty-image"),
    ('cut.jpg,soho,"[10, 20, 40, 50]"', "unreadable-image"),
    ('deep.png,soho,"[10, 20, 40, 50]"', "unreadable-image"),
    ('noise.jpg,soho,"[10, 20, 40, 50]"', "unreadable-image"),
    ('grey.png,soho,"[10, 20, 40, 50]"', "grey-image"),
    ('a.jpg,soho,"[10, 20, 10, 50]"', "empty-box"),
    ('b.jpg,soho,"[10, 50, 40, 20]"', "empty-box"),
    ('c.jpg,soho,"[-30, 20, -10, 50]"', "box-outside-image"),
    ('d.jpg,soho,"[64, 20, 90, 50]"', "box-outside-image"),
    ('e.jpg,soho,"[10, 20, 40]"', "unparseable-box"),
    ("f.jpg,soho,[10, 20, 40, 50]", "unparseable-box"),
    ('g.jpg,soho,"[nan, 20, 40, 50]"', "non-finite-box"),
    ("h.jpg,soho,", "missing-box"),
    ('i.jpg,sohoo,"[10, 20, 40, 50]"', "unknown-class"),
    ('j.jpg,,"[10, 20, 40, 50]"', "missing-class"),
    ('o.jpg,soho,"[10, 20, 10.5, 50]"', "box-outside-image"),  # less than a pixel
    ('p.jpg,soho,"[0, 0, 1e9, 1e9]"', "box-outside-image"),  # hardly any of it is in the image
    ('q.jpg,soho,"[10, 20, 40, 50]",5', "surplus-cells"),
    ('twin.jpg,cheops,"[10, 20, 40, 50]"', "same-image"),
    ('soho00.jpg,soho,"[10, 20, 40, 50]"', "duplicate-row"),
    ('soho01.jpg,cheops,"[10, 20, 40, 50]"', "duplicate-row"),
]
"""Rows that follow the fixture's 24 good ones (lines 2 to 25) in train.csv."""

HARMLESS = [
    'k.jpg,SOHO,"[0, 0, 64, 96]"',  # touches the border on all sides
    'l.jpg, soho , "[-5, -7, 80, 99]"',  # crosses it
    'm.jpg,soho,"[10, 20, 11, 22]"',  # 1 x 2 pixels
    'n,soho,"(10.5 20 40 50)"',  # no ending, another notation
]


@pytest.fixture
def planted(spark2022: Path, drawn) -> Path:
    train = spark2022 / "train"
    for name in "abcdefghijklmnopq":
        drawn(train / f"{name}.jpg")
    shutil.copy(train / "soho02.jpg", train / "twin.jpg")
    drawn(train / "cut.jpg")
    (train / "cut.jpg").write_bytes((train / "cut.jpg").read_bytes()[:-40])
    (train / "empty.jpg").touch()
    (train / "noise.jpg").write_bytes(b"\0" * 500)
    cv2.imwrite(str(train / "deep.png"), np.zeros((64, 96, 3), np.uint16))
    cv2.imwrite(str(train / "grey.png"), np.zeros((64, 96), np.uint8))
    with (spark2022 / "train.csv").open("a") as file:
        file.write("\n".join([row for row, _ in PLANTED] + HARMLESS) + "\n")
    return spark2022


def test_every_planted_defect_is_found_at_once(planted: Path) -> None:
    report = check(SparkData(root=str(planted)))
    expected = [(kind, "train.csv", 26 + index) for index, (_, kind) in enumerate(PLANTED)]
    assert [(d.kind, d.file, d.line) for d in report.defects] == expected
    text = report.text(limit=None)
    assert "train.csv:28: unreadable-image: train/cut.jpg: truncated JPEG" in text
    assert f"{len(PLANTED)} defects: 4 box-outside-image, 3 unreadable-image" in text
    assert "... and 2 more of unreadable-image" in report.text(limit=1)


def test_one_row_shows_all_its_defects(spark2022: Path) -> None:
    with (spark2022 / "val.csv").open("a") as file:
        file.write('gone.jpg,nothing,"[5, 5]"\n')
    report = check(SparkData(root=str(spark2022)))
    assert {d.kind for d in report.defects} == {"missing-image", "unknown-class", "unparseable-box"}
    assert {(d.file, d.line) for d in report.defects} == {("val.csv", 15)}


def test_refuse_lists_the_defects_and_skip_counts_them(planted: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)14 defects.*train\.csv:26: missing-image.*python -m train check"):
        load(SparkData(root=str(planted)))
    split = load(SparkData(root=str(planted), on_defect="skip"))
    assert sum(split.skipped.values()) == 14  # the eight that show only in pixels are met by read_sample
    keys = {sample.key: sample for sample in split.all()}
    assert "train/soho00.jpg" in keys, "the same row twice is one sample"
    assert "train/soho01.jpg" not in keys, "of two contrary rows neither is believed"
    assert {f"train/{name}.jpg" for name in "klmn"} <= keys.keys()
    assert keys["train/k.jpg"].label == "soho"
    for name in ("cut.jpg", "d.jpg", "grey.png"):
        with pytest.raises(InputError, match=rf"train\.csv:\d+: .*{name}"):
            read_sample(keys[f"train/{name}"])
    assert read_sample(keys["train/grey.png"], "replicate").shape == (64, 96, 3)


def test_grey_images_may_be_allowed(planted: Path) -> None:
    report = check(SparkData(root=str(planted), grey="replicate"))
    assert "grey-image" not in {d.kind for d in report.defects}


def test_a_missing_column_or_table_is_refused_even_with_skip(spark2022: Path) -> None:
    table = spark2022 / "val.csv"
    table.write_text(table.read_text().replace("filename,class,bbox", "filename,class,box"))
    report = check(SparkData(root=str(spark2022)))
    assert [(d.kind, d.file, d.line) for d in report.defects] == [("missing-column", "val.csv", 1)]
    with pytest.raises(InputError, match="missing-column"):
        load(SparkData(root=str(spark2022), on_defect="skip"))
    table.unlink()
    with pytest.raises(InputError, match="missing-labels"):
        load(SparkData(root=str(spark2022), on_defect="skip"))


def test_columns_of_one_name_are_refused(spark2022: Path) -> None:
    table = spark2022 / "train.csv"
    table.write_text(table.read_text().replace("filename,class,bbox", "filename,class,bbox,BBox "))
    with pytest.raises(InputError, match=r"train\.csv: more than one column is named 'bbox'"):
        load(SparkData(root=str(spark2022), on_defect="skip"))


def test_a_part_without_rows_is_not_an_absent_part(spark2022: Path) -> None:
    (spark2022 / "val.csv").write_text("filename,class,bbox\n")
    with pytest.raises(InputError, match=r"val\.csv:1: no-rows"):
        load(SparkData(root=str(spark2022), on_defect="skip"))


def test_an_image_of_two_parts_is_a_defect(spark2022: Path) -> None:
    shutil.copy(spark2022 / "train/soho05.jpg", spark2022 / "val/debris01.jpg")
    (defect,) = check(SparkData(root=str(spark2022))).defects
    assert (defect.kind, defect.file, defect.line) == ("same-image", "train.csv", 7)
    assert "val/debris01.jpg (val.csv:11), of another part and class" in defect.message


def test_an_image_that_stands_twice_in_one_class_is_a_defect_too(spark2022: Path) -> None:
    shutil.copy(spark2022 / "train/soho05.jpg", spark2022 / "train/soho06.jpg")
    (defect,) = check(SparkData(root=str(spark2022))).defects
    assert (defect.kind, defect.line) == ("same-image", 8) and "(train.csv:7); remove" in defect.message


def test_unknown_names_are_defects_only_beside_known_ones(spark2022: Path) -> None:
    for table in spark2022.glob("*.csv"):
        table.write_text(table.read_text().replace(",soho,", ",cube,").replace(",cheops,", ",rod,"))
    assert check(SparkData(root=str(spark2022))).defects == ()


def test_warnings_unlabelled_images_and_misspelt_anomalies(spark2022: Path, drawn) -> None:
    drawn(spark2022 / "train" / "stray.jpg")
    drawn(spark2022 / "train" / "._soho00.jpg")  # left by macOS, not an image of the set
    report = check(SparkData(root=str(spark2022), anomaly_classes=("Debriss",)))
    assert report.defects == ()
    assert "train: 1 images have no label row: train/stray.jpg" in report.warnings
    assert any("did you mean 'debris'?" in warning for warning in report.warnings)
    with pytest.raises(InputError, match="did you mean 'debris'"):
        load(SparkData(root=str(spark2022), anomaly_classes=("Debriss",)))


def test_exchanged_rows_and_columns_are_noticed_by_the_border(spark2022: Path, drawn) -> None:
    for image in spark2022.rglob("*.jpg"):
        drawn(image, box=(10, 60, 40, 90))  # x to 90 fits a width of 96, and not a height of 64
    for table in spark2022.glob("*.csv"):
        table.write_text(table.read_text().replace("[10, 20, 40, 50]", "[10, 60, 40, 90]"))
    assert check(SparkData(root=str(spark2022))).warnings == ()
    said = check(SparkData(root=str(spark2022), box_order="column_first")).warnings
    assert any("stick out" in warning and "box_order: row_first" in warning for warning in said)


def test_boxes_that_stick_out_in_both_orders_say_nothing() -> None:
    partly_out = Sign(beyond=True, beyond_transposed=False, brighter_transposed=None)
    out_anyhow = Sign(beyond=True, beyond_transposed=True, brighter_transposed=None)
    assert box_order.warnings([partly_out] * 20, "row_first")
    assert not box_order.warnings([partly_out] * 19 + [out_anyhow], "row_first")


def test_one_image_in_two_label_files_is_a_defect(spark2022: Path) -> None:
    with (spark2022 / "val.csv").open("a") as file:
        file.write('train/soho03.jpg,soho,"[10, 20, 40, 50]"\n')
    report = check(SparkData(root=str(spark2022)))
    assert [str(d) for d in report.defects] == [
        "val.csv:15: duplicate-row: train/soho03.jpg stands in train.csv:5 already"
    ]
    assert {s.source for s in load(SparkData(root=str(spark2022), on_defect="skip")).fit} == {"train"}


def test_kinds_file_names_the_debris(spark2022: Path) -> None:
    (spark2022 / "kinds.csv").write_text("filename,kind\nval/debris00.png,panel\nval/gone.jpg,panel\n")
    split = load(SparkData(root=str(spark2022)))
    kinds = {sample.key: sample.kind for sample in split.test}
    assert kinds["val/debris00.jpg"] == "panel"
    assert kinds["val/debris01.jpg"] == "debris"
    assert any("kinds.csv: 1 rows" in warning for warning in check(SparkData(root=str(spark2022))).warnings)


def test_the_real_sample_has_no_defects(spark_sample: Path) -> None:
    report = check(SparkData(root=str(spark_sample)))
    assert report.defects == () and report.warnings == ()
    assert sum(n for (source, _), n in report.summary.images.items() if source == "train") == 500
    assert report.summary.images["val", "debris"] == 57
    assert report.summary.image_px == {(640, 640): 757}
    split = load(SparkData(root=str(spark_sample)))
    assert (len(split.fit), len(split.calibration), len(split.test)) == (450, 50, 257)
    exchanged = check(SparkData(root=str(spark_sample), box_order="column_first"))
    assert any("is darker" in warning for warning in exchanged.warnings)
