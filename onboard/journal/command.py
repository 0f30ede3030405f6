"""python -m onboard journal."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from onboard.errors import InputError

if TYPE_CHECKING:
    from onboard.journal import Entry


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "journal",
        help="show what became of every frame: a journal's ring, or its archive",
        description="Shows each run's account from a journal's ring, also while its node runs; or what a folder of "
        "archived records holds. Frames are counted by how they ended. Ends with code 1 where files of an archive are "
        "damaged and so left out.",
    )
    command.add_argument("path", type=Path, metavar="PATH", help="a ring, an archived file, or the archive's folder")
    command.add_argument("--records", action="store_true", help="print every record as a line of JSON instead")


def run(options: argparse.Namespace) -> int:
    from onboard.journal import read_archive
    from onboard.journal.reading import read_ring

    path: Path = options.path
    totals, damaged = {}, 0
    if path.is_dir():
        entries, damaged = _read_folder(path)
    elif path.suffix == ".drj":
        try:
            entries = read_archive(path)
        except InputError as error:
            raise InputError(f"{error}; copy it again from where the node wrote it") from error
    else:
        snapshot = read_ring(path)
        totals, entries = snapshot.totals, snapshot.entries
    if options.records:
        for entry in entries:
            line = {**msgspec.structs.asdict(entry), "run": entry.run.hex()}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        return int(damaged > 0)
    for name, account in totals.items():
        print(f"run {name.hex()}")
        print("  " + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in account._asdict().items()))
    files = "1 file" if damaged == 1 else f"{damaged} files"
    incomplete = f", INCOMPLETE: {files} damaged, see above" if damaged else ""
    print(f"{len(entries)} records here{incomplete}:")
    ends = Counter(
        "OPEN" if entry.status is None else entry.status.value + (f" ({entry.reason})" if entry.reason else "")
        for entry in entries
    )
    for end, count in sorted(ends.items()):
        print(f"  {count:6d}  {end}")
    return int(damaged > 0)


def _read_folder(folder: Path) -> tuple[list["Entry"], int]:
    """The records of an archive's whole files, and how many others there are, each of which stderr names.

    Raises:
        InputError: the folder holds no file of an archive.
    """
    from onboard.journal import read_archive
    from onboard.journal.archive import RECORDS

    entries, damaged = list["Entry"](), 0
    for file in (there := sorted(folder.glob(RECORDS))):
        try:
            entries += read_archive(file)
        except InputError as error:
            damaged += 1
            print(f"damaged: {error}; copy it again, or move it away: its records are not among these", file=sys.stderr)
    if not there:
        raise InputError(f"{folder}: holds no {RECORDS}; the ring is a file of its own")
    return entries, damaged
