"""Frames with boxes and, where they are known, classes: what calibration reads."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from onboard import columns, replay, strict_yaml
from onboard.config import Source
from onboard.errors import InputError
from onboard.replay import Box

_PARTS = ("train", "val")  # of a SPARK-2022 data set
_SPARK_COLUMNS = ("filename", "class", "bbox")
SIDECAR, ABOUT = "boxes.csv", "track.yaml"


@dataclass(frozen=True)
class LabelledFrame:
    """A frame to calibrate on.

    Attributes:
        path: of the image.
        box: x_min, y_min, x_max, y_max in frame pixels; None: missing in the boxes' file.
        label: its class; None: nothing says.
    """

    path: Path
    box: Box | None
    label: str | None


def read(data: Path, part: str | None = None) -> list[LabelledFrame]:
    """Read a folder of frames with `boxes.csv` (see `onboard.replay`), or a data set in the SPARK-2022 layout.

    `boxes.csv` may have a column `class`; a `track.yaml` beside it may have a key of that name.

    Args:
        data: the folder.
        part: of a data set, `train` or `val`; None: both, where both are there.

    Raises:
        InputError: the folder is neither, or a label cannot be read.
    """
    if not data.is_dir():
        raise InputError(f"{data}: no such folder of normal frames")
    if (data / SIDECAR).is_file():
        if part is not None:
            raise InputError(f"{data}: is one folder of frames ({SIDECAR}), it has no part '{part}'; leave --part out")
        return _beside(data)
    there = [name for name in _PARTS if (data / f"{name}.csv").is_file()]
    if not there:
        raise InputError(
            f"{data}: holds neither {SIDECAR} nor train.csv or val.csv; of another layout, 'python -m train boxes "
            f"{data} --out FRAMES/{SIDECAR} --frames FRAMES' writes the {SIDECAR} of a folder of frames"
        )
    if part is not None and part not in there:
        raise InputError(f"{data}: has no part '{part}' ({part}.csv); it has {', '.join(there)}")
    return [frame for name in ([part] if part else there) for frame in _spark(data, name)]


def _beside(folder: Path) -> list[LabelledFrame]:
    found = replay.items(Source(folder=str(folder)))
    labels, whole = _column(folder / SIDECAR), _track_label(folder)
    frames = [LabelledFrame(item.path, item.box, labels.get(item.name) or whole) for item in found]
    nameless = [frame.path.name for frame in frames if frame.label is None]
    if nameless and len(nameless) < len(frames):
        raise InputError(
            f"{folder / SIDECAR}: {len(nameless)} of {len(frames)} frames have no class ({nameless[0]} for one), "
            "though others do; name the class of each, or leave the column out where all are normal"
        )
    return frames


def _column(path: Path) -> dict[str, str]:
    """The sidecar's classes; `replay` has checked the rest of it."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        header = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = ["class" if name.casefold() == "class" else name for name in header]
        rows = [((row["filename"] or "").strip(), (row.get("class") or "").strip()) for row in reader]
    return {Path(name).as_posix(): label for name, label in rows if label}


def _track_label(folder: Path) -> str | None:
    path = folder / ABOUT
    if not path.is_file():
        return None
    label = strict_yaml.parse(path.read_text(encoding="utf-8", errors="replace"), str(path)).get("class")
    if label is not None and not isinstance(label, str):
        raise InputError(f"{path}: class: {label!r} is not allowed: a name is needed")
    return label


def _spark(root: Path, part: str) -> list[LabelledFrame]:
    path = root / f"{part}.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            header = [name.strip() for name in reader.fieldnames or []]
            if missing := [name for name in _SPARK_COLUMNS if name not in header]:
                raise InputError(
                    f"{path}: the columns {', '.join(missing)} are missing; found {', '.join(header) or 'nothing'}. "
                    f"Of another layout than SPARK-2022, 'python -m train boxes' writes a {SIDECAR}"
                )
            columns.refuse_twins(header, path)
            reader.fieldnames = header
            rows = [(f"{path}:{reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV text file ({error})") from error
    return [
        LabelledFrame(
            _image(root, part, row["filename"], where), _box(row["bbox"], where), (row["class"] or "").strip()
        )
        for where, row in rows
    ]


def _image(root: Path, part: str, name: str | None, where: str) -> Path:
    name = (name or "").strip()
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"{where}: '{name}' is not the name of a file below {root / part}")
    found = next((path for path in (root / part / name, root / name) if path.is_file()), None)
    if found is None:
        raise InputError(f"{where}: there is no image {root / part / name}; run 'python -m train check {root}'")
    return found


def _box(text: str | None, where: str) -> Box:
    """SPARK-2022 writes boxes row first: [y_min, x_min, y_max, x_max]."""
    try:
        y_min, x_min, y_max, x_max = (float(word) for word in re.split(r"[,\s]+", (text or "").strip("[]() \t")))
    except ValueError as error:
        raise InputError(f"{where}: the box {text!r} is not four numbers [y_min, x_min, y_max, x_max]") from error
    return x_min, y_min, x_max, y_max
