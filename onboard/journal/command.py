"""python -m onboard journal."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from onboard.errors import InputError


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "journal",
        help="show what became of every frame: a journal's ring, or its archive",
        description="Shows each run's account from a journal's ring, also while its node runs; or what a folder of "
        "archived records holds. Frames are counted by how they ended.",
    )
    command.add_argument("path", type=Path, metavar="PATH", help="a ring, an archived file, or the archive's folder")
    command.add_argument("--records", action="store_true", help="print every record as a line of JSON instead")


def run(options: argparse.Namespace) -> int:
    from onboard.journal import read_archive
    from onboard.journal.reading import read_ring

    path: Path = options.path
    totals = {}
    if path.is_dir():
        files = sorted(path.glob("journal-*.drj"))
        if not files:
            raise InputError(f"{path}: holds no journal-*.drj; the ring is a file of its own")
        entries = [entry for file in files for entry in read_archive(file)]
    elif path.suffix == ".drj":
        entries = read_archive(path)
    else:
        snapshot = read_ring(path)
        totals, entries = snapshot.totals, snapshot.entries
    if options.records:
        for entry in entries:
            line = {**msgspec.structs.asdict(entry), "run": entry.run.hex()}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        return 0
    for name, account in totals.items():
        print(f"run {name.hex()}")
        print("  " + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in account._asdict().items()))
    print(f"{len(entries)} records here:")
    ends = Counter(
        "OPEN" if entry.status is None else entry.status.value + (f" ({entry.reason})" if entry.reason else "")
        for entry in entries
    )
    for end, count in sorted(ends.items()):
        print(f"  {count:6d}  {end}")
    return 0
