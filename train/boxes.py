"""Write a data set's boxes as the sidecar that the node reads."""

import csv
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from train.data import load as loading
from train.data.config import SparkData


def write_boxes(config: SparkData, source: str | None, folder: Path, out: Path) -> int:
    """Write `filename,x_min,y_min,x_max,y_max` for the images of one part that lie below `folder`.

    Args:
        config: the data set.
        source: the data set's own part, such as `val`; None: whatever the split takes for the test.
        folder: what the file names are relative to: the folder that the node replays.
        out: the CSV file to write.

    Returns:
        The number of rows.

    Raises:
        InputError: the data set cannot be read, or no image of that part lies below the folder.
    """
    split = loading.load(config)
    wanted = split.test if source is None else [sample for sample in split.all() if sample.source == source]
    below = folder.resolve()
    rows = [
        (sample.path.resolve().relative_to(below).as_posix(), *sample.box)
        for sample in wanted
        if sample.path.resolve().is_relative_to(below)
    ]
    if not rows:
        sources = ", ".join(sorted({sample.source for sample in split.all()}))
        raise InputError(f"{config.root}: part '{source}' has no image below {folder}; its parts are {sources}")
    with files.whole(out) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "x_min", "y_min", "x_max", "y_max"])
        writer.writerows(sorted(rows))
    return len(rows)
