"""The latency command, and what it does with its options."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command to the program's."""
    latency = commands.add_parser(
        "latency",
        help="time the engine alone, the node, and end to end: warm, cold, under load; beside trtexec",
        description="Times the engine alone in a process of its own, the node by its verdicts, and exposure to verdict "
        "at the bench, on the board or on loopback. Ends with code 1 where a limit is not held. docs/latency.md",
    )
    latency.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, such as configs/latency.yaml")
    latency.add_argument("--data", type=Path, metavar="DATA", help="in place of the bench's data")
    latency.add_argument("--bundle", type=Path, metavar="BUNDLE", help="in place of the bench's bundle")
    latency.add_argument(
        "--trtexec",
        type=Path,
        nargs="+",
        metavar="REPORT",
        help="of the same engine: trtexec's log, and what --exportTimes and --exportProfile wrote in that run",
    )
    latency.add_argument(
        "--other-machine", action="store_true", help="show the report although it is of another machine or engine"
    )
    latency.add_argument(
        "--out", type=Path, default=Path("runs/latency"), metavar="DIR", help="for reports (default: runs/latency)"
    )
    latency.set_defaults(action=_latency)


def _latency(options: argparse.Namespace) -> int:
    from hil_tests.bench import results
    from hil_tests.bench.limits import passed
    from hil_tests.latency import command, config, trtexec

    with results.voided(options.out, results.OF_LATENCY):
        measure, setup = config.load(options.config, options.data, options.bundle)
        run = None if options.trtexec is None else trtexec.read(options.trtexec)
        found, held = command.latency(measure, setup, run, options.other_machine, options.out)
    from hil_tests.latency.text import text

    print(text(found, held))
    print(f"report: {options.out / 'latency.html'}")
    return 0 if passed(held) else 1
