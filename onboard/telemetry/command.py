"""python -m onboard telemetry."""

import argparse
import mmap
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from onboard import files
from onboard.errors import InputError

_MARKS = ("start", "gap", "garbage")


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "telemetry",
        help="print the packets of a telemetry file as lines of JSON, and the gaps in their counts",
        description="Prints each packet of a file of CCSDS space packets as a line of JSON, and lines for gaps in the "
        "sequence counts, for restarts of the node, and for bytes that belong to no packet. docs/telemetry.md has the "
        "fields.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="such as telemetry.bin; '-': standard input")
    command.add_argument(
        "--verdict-service", type=int, default=130, metavar="N", help="as the node's config has it (default: 130)"
    )


def run(options: argparse.Namespace) -> int:
    from onboard.telemetry.lines import lines

    counts, missing = Counter[str](), 0
    for line in lines(_read(options.file), options.verdict_service):
        counts[line["kind"] if line["kind"] in _MARKS else "packet"] += 1
        missing += line.get("missing", 0)
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    print(
        f"{counts['packet']} packets, {counts['start']} starts, {missing} packets missing in {counts['gap']} gaps, "
        f"{counts['garbage']} stretches of garbage",
        file=sys.stderr,
    )
    return 0


def _read(path: Path) -> bytes | memoryview:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        with files.open_regular(path) as file:
            if not path.stat().st_size:
                return b""
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); a file of packets is needed") from error
