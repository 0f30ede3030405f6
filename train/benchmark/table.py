"""A table, and how it is written: Markdown and CSV for people, JSON for the report."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from onboard import files

Cell = str | float | int | None
_WIDEST = 16  # columns that can be read side by side


@dataclass
class Table:
    """One table: what it is called, what must be read with it, and its cells; `plots` lie beside it."""

    name: str
    title: str
    caption: str
    columns: list[str]
    rows: list[list[Cell]] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)


def write(tables: Sequence[Table], out: Path, told: str) -> None:
    """Write `tables.md`, `tables.json` and a CSV file for each table; wide tables are turned, but for the CSV.

    Args:
        tables: to be written.
        out: the folder.
        told: machine and date, which stand below each table.
    """
    for table in tables:
        stream = io.StringIO()
        csv.writer(stream).writerows([table.columns, *table.rows])
        files.write_text(out / f"{table.name}.csv", stream.getvalue())
    tables = [turned_if_wide(table) for table in tables]
    files.write_text(out / "tables.md", "\n".join(markdown(table, told) for table in tables))
    listed = [
        {"title": t.title, "caption": f"{t.caption} {told}", "columns": t.columns, "rows": t.rows, "plots": t.plots}
        for t in tables
    ]
    files.write_bytes(out / "tables.json", msgspec.json.format(msgspec.json.encode(listed)) + b"\n")


def turned_if_wide(table: Table) -> Table:
    """The same with rows for columns, where it has too many of these to be read, and fewer rows."""
    if len(table.columns) <= max(_WIDEST, len(table.rows) + 1):
        return table
    (first, *heads), *rows = zip(table.columns, *table.rows, strict=True)
    columns = [str(first), *("-" if head is None else str(head) for head in heads)]
    return replace(table, columns=columns, rows=[list(row) for row in rows])


def markdown(table: Table, told: str) -> str:
    """A table as Markdown."""
    lines = [f"### {table.title}", "", table.caption, "", "| " + " | ".join(table.columns) + " |"]
    lines.append("|" + "---|" * len(table.columns))
    lines += ["| " + " | ".join("-" if cell is None else str(cell) for cell in row) + " |" for row in table.rows]
    return "\n".join([*lines, "", f"*{told}*", ""])
