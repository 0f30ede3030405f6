"""From the `data` part of a configuration to the split that training, calibration and evaluation refer to."""

from pathlib import Path

from onboard.errors import InputError
from train.data import cifar, classes, spark
from train.data.config import CifarData, Data, SparkData
from train.data.defects import WHOLE_FILE, count, listing
from train.data.samples import Split
from train.data.split import OWN_TEST, split


def load(config: Data, seed: int = 0, redraw: bool = False) -> Split:
    """Read a data set and split it.

    Everything that needs no decoding is checked here; what is wrong with pixels is met when they are read
    (`pixels.read_sample`), or beforehand by `check.check`.

    Args:
        config: which data set, and how.
        seed: of the split's draw.
        redraw: see `split.split`; CIFAR keeps its own test.

    Raises:
        InputError: the data set cannot be found or read, or has defects that `on_defect` does not allow.
    """
    if isinstance(config, CifarData):
        return cifar.load(config, seed)
    return _spark(config, seed, redraw)


def _spark(config: SparkData, seed: int, redraw: bool) -> Split:
    labels = spark.read(config)
    # Of several parts that could be the test, one is used, so the others' defects are no concern.
    sources = {part.source for part in labels.layout.parts}
    own = [source for source in OWN_TEST if source in sources]
    unneeded = {
        part.labels.relative_to(labels.root).as_posix() for part in labels.layout.parts if part.source in own[1:]
    }
    defects = [defect for defect in labels.defects if defect.file not in unneeded]
    fatal = [defect for defect in defects if defect.kind in WHOLE_FILE]
    if fatal or (defects and config.on_defect == "refuse"):
        counts = ", ".join(f"{number} {kind}" for kind, number in count(defects).items())
        lines = "\n  ".join(listing(fatal or defects, limit=3))
        remedy = "" if fatal else ", or set 'on_defect: skip' to leave these out"
        raise InputError(
            f"{config.root}: {len(defects)} defects ({counts}):\n  {lines}\n"
            f"Run 'python -m train check {config.root} --full' to see all of them and mend the data{remedy}"
        )
    present = {sample.label for sample in labels.samples}
    # "debris" is the default, and a set without any is a set of normals; any other name was written by hand.
    named = [name for name in config.anomaly_classes if name != "debris"]
    if said := classes.absent(named, present):
        raise InputError(f"{config.root}: {'; '.join(said)}")
    try:
        fractions = config.calibration_fraction, config.test_fraction
        return split(labels.samples, *fractions, seed, count(defects), redraw)
    except InputError as error:
        raise InputError(f"{Path(config.root)}: {error}") from error
