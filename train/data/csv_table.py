"""CSV files as people really write them: byte-order marks, Windows line ends, spaces around commas."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from onboard.columns import refuse_twins
from onboard.errors import InputError


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: the line in the file at which the row ends, counted from 1.
        cells: the stripped text by column name (see `column`); an absent cell is "".
        surplus: how many cells the row has beyond the header's, blank ones aside.
    """

    line: int
    cells: dict[str, str]
    surplus: int = 0


@dataclass(frozen=True)
class Table:
    """A CSV file: the column names (see `column`) and the rows that are not blank."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def column(name: str) -> str:
    """A column's name without case, outer spaces and underscores: `Image name` and `image_name` are one."""
    return name.strip().casefold().replace("_", " ")


def read(path: Path) -> Table:
    """Read a CSV file with a header.

    Raises:
        InputError: the file cannot be read, is not UTF-8 text, is not CSV, or has two columns of one name.
    """
    return _parse(_text(path), path)


def header(path: Path) -> tuple[str, ...]:
    """The column names alone; () where the file is not a readable CSV file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse(file.readline(1 << 16), path).columns
    except (OSError, UnicodeDecodeError, InputError):
        return ()


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    if "\0" in text:  # a file system after a power cut
        raise InputError(f"{path}: damaged: holds zero bytes, from character {text.index(chr(0))} on; restore it")
    return text


def _parse(text: str, path: Path) -> Table:
    # skipinitialspace: without it, `a, "[1, 2]"` is not seen as quoted and falls apart at the inner comma.
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    columns: tuple[str, ...] | None = None
    rows = []
    try:
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if columns is None:
                columns = tuple(column(value) for value in values)
                refuse_twins(columns, path)
                continue
            cells = dict.fromkeys(columns, "")
            cells.update((name, value.strip()) for name, value in zip(columns, values, strict=False))
            surplus = sum(1 for value in values[len(columns) :] if value.strip())
            rows.append(Row(reader.line_num, cells, surplus))
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not valid CSV ({error})") from error
    if columns is None:
        raise InputError(f"{path}: the file is empty; a header line is needed")
    return Table(columns, tuple(rows))
