"""python -m onboard fly."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "fly",
        help="take frames from a camera, a stream, a ring or a replay until told to stop, and answer each",
        description="Takes frames from the configured source, keeps a journal with exactly one record for each, and "
        "sends verdicts to a file and a socket. Runs until its source ends, or SIGTERM or Ctrl-C; started again, it "
        "goes on with the same journal. docs/node.md tells of events and what to do.",
    )
    command.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, such as configs/node.yaml")


def run(options: argparse.Namespace) -> int:
    from onboard import strict_yaml

    return fly_configured(strict_yaml.parse_file(options.config), str(options.config))


def fly_configured(raw: dict[str, Any], name: str) -> int:
    """Fly what a configuration says, to its end; gives the exit code.

    Args:
        raw: the configuration as its file has it.
        name: what an error calls that file.
    """
    import faulthandler
    import sys

    from onboard import strict_yaml
    from onboard.fly.config import NodeConfig
    from onboard.fly.start import fly
    from onboard.fly.summary import SUMMARY, text

    if sys.stderr is not None:  # None: it was closed at the start
        faulthandler.enable()  # SIGABRT, systemd's word to a node that hangs, prints where every thread is
    config = strict_yaml.convert(raw, NodeConfig, name)
    page = fly(config)
    print(text(page))
    summary = Path(config.output.folder) / SUMMARY
    print(f"summary: {summary}" if _holds(summary, page) else f"summary: {summary} could not be written")
    return 0


def _holds(file: Path, page: dict[str, Any]) -> bool:
    """Whether a file is this page's, and not an earlier one's."""
    from onboard.fly.summary import as_file

    data = as_file(page)
    try:
        with file.open("rb") as there:
            return there.read(len(data) + 1) == data
    except OSError:
        return False
