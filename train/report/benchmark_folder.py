"""A benchmark's folder: `tables.json` and the plots that it names."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from onboard.errors import InputError

TABLES = "tables.json"
CELLS = "cells"  # there from a benchmark's start, its tables from its end
REMEDY = "run 'python -m train benchmark CONFIG' again"


class BenchmarkTable(msgspec.Struct, frozen=True):
    """One table of a benchmark; a row has as many cells as there are columns, null where there is nothing to say."""

    title: str
    columns: list[str]
    rows: list[list[str | int | float | None]]
    caption: str = ""
    plots: list[str] = []


@dataclass(frozen=True)
class Benchmark:
    """What a benchmark's folder holds."""

    folder: Path
    tables: list[BenchmarkTable]


def read(folder: Path) -> Benchmark:
    """Read a benchmark's tables.

    Raises:
        InputError: `tables.json` cannot be used.
    """
    path = folder / TABLES
    try:
        tables = msgspec.json.decode(path.read_bytes(), type=list[BenchmarkTable])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    except msgspec.DecodeError as error:  # its text says where
        raise InputError(f"{path}: damaged, or of another version ({error}); {REMEDY}") from error
    for table in tables:
        for i, row in enumerate(table.rows, start=1):
            if len(row) != len(table.columns):
                raise InputError(
                    f"{path}: table '{table.title}', row {i} has {len(row)} cells for {len(table.columns)} columns"
                    f"; {REMEDY}"
                )
        for plot in table.plots:
            # The page must not carry off a file from elsewhere.
            if Path(plot).name != plot:
                raise InputError(f"{path}: table '{table.title}': plot '{plot}' is not a name of a file beside it")
    return Benchmark(folder, tables)
