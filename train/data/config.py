"""The `data` part of a training configuration."""

from typing import Annotated, Literal

import msgspec

from onboard.image import Grey

Fraction = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class SparkData(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", tag="spark"):
    """A SPARK-like folder of images with a label file.

    Attributes:
        root: the data set's folder.
        layout: which SPARK edition's layout it has; `auto` looks at the folder.
        box_order: the order of a box's four numbers in the label file; `auto` takes the layout's own.
        anomaly_classes: class names that are debris (compared without regard to case); all others are normal.
        calibration_fraction: the share of each normal training class that is held back for calibration.
        test_fraction: the share of each normal class that is the test where the data set has no part for it.
        on_defect: what training does with what cannot be used: refuse, or skip and count it.
        grey: what to do with one-channel images.
    """

    root: str
    layout: Literal["auto", "spark2021", "spark2022", "spark2024"] = "auto"
    box_order: Literal["auto", "row_first", "column_first"] = "auto"
    anomaly_classes: tuple[str, ...] = ("debris",)
    calibration_fraction: Fraction = 0.1
    test_fraction: Fraction = 0.2
    on_defect: Literal["refuse", "skip"] = "refuse"
    grey: Grey = "refuse"


class CifarData(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", tag="cifar"):
    """CIFAR-10 or CIFAR-100 in the usual pickled layout, one class normal and all others anomalous.

    Attributes:
        root: the folder that holds `cifar-10-batches-py` (or `cifar-100-python`), or that folder itself.
        normal_class: the class (CIFAR-100: the meta-class) that is normal, by name or by number.
        calibration_fraction: the share of the normal training images held back for calibration.
        images_per_class: use no more than this many training images; null: all.
    """

    root: str
    normal_class: str | int
    calibration_fraction: Fraction = 0.1
    images_per_class: Annotated[int, msgspec.Meta(ge=10)] | None = None


Data = SparkData | CifarData
