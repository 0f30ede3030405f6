"""Write a data set's boxes as the sidecar that the node reads."""

import csv
from collections.abc import Iterable
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from train.data import load as loading
from train.data.config import SparkData
from train.data.samples import Box


def write_sidecar(path: Path, rows: Iterable[tuple[str, Box, str]]) -> None:
    """Write file names, boxes (x_min, y_min, x_max, y_max in pixels, edges) and classes as a CSV.

    The node reads the boxes; the classes are for calibration, which refuses debris.
    """
    with files.whole(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "x_min", "y_min", "x_max", "y_max", "class"])
        writer.writerows((name, *box, label) for name, box, label in sorted(rows))


def write_boxes(config: SparkData, source: str, folder: Path, out: Path) -> int:
    """Write `filename,x_min,y_min,x_max,y_max,class` for the images of one part that lie below `folder`.

    Args:
        config: the data set.
        source: the data set's own part, such as `val`.
        folder: what the file names are relative to: the folder that the node replays.
        out: the CSV file to write.

    Returns:
        The number of rows.

    Raises:
        InputError: the data set cannot be read, or no image of that part lies below the folder.
    """
    everything = loading.load(config).all()
    below = folder.resolve()
    rows = [
        (sample.path.resolve().relative_to(below).as_posix(), sample.box, sample.label)
        for sample in everything
        if sample.source == source and sample.path.resolve().is_relative_to(below)
    ]
    if not rows:
        sources = ", ".join(sorted({sample.source for sample in everything}))
        raise InputError(f"{config.root}: part '{source}' has no image below {folder}; its parts are {sources}")
    write_sidecar(out, rows)
    return len(rows)
