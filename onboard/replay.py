"""Frames from a folder, with their boxes from a sidecar file."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from onboard import columns, files
from onboard.config import Source
from onboard.errors import InputError

_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
_COLUMNS = ("filename", "x_min", "y_min", "x_max", "y_max")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Item:
    """One frame to judge: its path, its name below the folder, and its box (None: the sidecar has none for it)."""

    path: Path
    name: str
    box: Box | None


def items(source: Source) -> list[Item]:
    """All frames of the folder and all frames that the sidecar names, in the order of their names.

    Raises:
        InputError: the folder or the sidecar is missing, holds no frame, or has a row that cannot be read.
    """
    folder = _existing(Path(source.folder))
    sidecar = Path(source.boxes) if source.boxes else folder / "boxes.csv"
    boxes = read_boxes(sidecar)
    names = _images(folder)
    if not names & boxes.keys():
        raise InputError(
            f"{sidecar}: none of its {len(boxes)} names, such as '{next(iter(boxes), '')}', is one of the "
            f"{len(names)} images in {folder}, such as '{min(names)}'"
        )
    return [Item(folder / name, name, boxes.get(name)) for name in sorted(names | boxes.keys())]


def items_without_boxes(folder: Path) -> list[Item]:
    """All frames of the folder, in the order of their names.

    Raises:
        InputError: the folder is missing or holds no frame.
    """
    return [Item(folder / name, name, None) for name in sorted(_images(_existing(folder)))]


def read_boxes(path: Path) -> dict[str, Box]:
    """Boxes by file name from a sidecar: CSV with the columns filename, x_min, y_min, x_max, y_max.

    Numbers that make no sense as a box are left to the verdict, which rejects them one by one.

    Raises:
        InputError: the file is missing, lacks a column or has two of one name, names a frame twice or one outside the
            folder, has a row of more cells than columns, or a number cannot be read.
    """
    try:
        with io.TextIOWrapper(files.open_regular(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            header = [name.strip() for name in reader.fieldnames or []]
            if missing := [name for name in _COLUMNS if name not in header]:
                raise InputError(
                    f"{path}: the columns {', '.join(missing)} are missing; found {', '.join(header) or 'nothing'}, "
                    f"needed {', '.join(_COLUMNS)}. 'python -m train boxes' writes such a file from a SPARK data set"
                )
            columns.refuse_twins(header, path)
            reader.fieldnames = header
            boxes: dict[str, Box] = {}
            for row in reader:
                where = f"{path}:{reader.line_num}"
                extra = row.get(None, [])  # where csv puts them
                if any(cell.strip() for cell in extra):  # empty ones are a spreadsheet's
                    raise InputError(
                        f"{where}: {len(header) + len(extra)} cells for {len(header)} columns; write numbers with a "
                        "point (1.5), for a comma parts cells, and quote a name that holds one"
                    )
                name = _name((row["filename"] or "").strip(), where)
                if name in boxes:
                    raise InputError(f"{where}: '{name}' stands twice; one box a frame is needed")
                boxes[name] = _box(row, where)
    except OSError as error:
        raise InputError(f"{path}: the boxes' file cannot be read ({error.strerror}); set source.boxes") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV text file ({error})") from error
    return boxes


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of frames (source.folder)")
    return folder


def _images(folder: Path) -> set[str]:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS}
    if not names:
        raise InputError(f"{folder}: holds no image ({', '.join(sorted(_ENDINGS))})")
    for name in names:
        if name != name.encode(errors="replace").decode():
            raise InputError(f"{folder}: the name {name!r} is no text in UTF-8, as verdicts need it; rename the file")
    return names


def _name(text: str, where: str) -> str:
    """The name as the folder's listing has it: `./a.png` is `a.png`."""
    if "\0" in text:  # a file system after a power cut
        raise InputError(f"{where}: damaged: holds zero bytes; restore the file")
    name = PurePosixPath(text)
    if not name.name or name.is_absolute() or ".." in name.parts:
        raise InputError(f"{where}: '{text}' is not allowed: the name of a file below the folder of frames is needed")
    return name.as_posix()


def _box(row: dict[str, str], where: str) -> Box:
    try:
        x_min, y_min, x_max, y_max = (float(row[name]) for name in _COLUMNS[1:])
    except TypeError as error:  # None, where csv has no cell
        raise InputError(f"{where}: four numbers are needed after the file name, and cells are missing") from error
    except ValueError as error:
        raise InputError(f"{where}: four numbers are needed after the file name ({error})") from error
    return x_min, y_min, x_max, y_max
