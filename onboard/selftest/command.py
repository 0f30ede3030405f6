"""python -m onboard selftest."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "selftest",
        help="check a bundle, this machine and the source before the node flies",
        description="Checks hashes, known answers and latency of a bundle; with a configuration also its budgets, the "
        "source, the folders and what the kernel permits. One page; ends with code 1 where a check failed. Stop the "
        "node first: a camera and a stream have one reader.",
    )
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the flight bundle")
    command.add_argument("--config", type=Path, metavar="CONFIG", help="that the node will fly with")
    command.add_argument("--engine", type=Path, metavar="FOLDER", help="TensorRT engine (default: the configuration's)")
    command.add_argument("--frames", type=int, default=40, help="timed for each window size (default: 40)")
    command.add_argument("--wait-s", type=float, default=5.0, help="for the source's first frame (default: 5)")


def run(options: argparse.Namespace) -> int:
    from onboard import selftest, strict_yaml
    from onboard.errors import InputError
    from onboard.fly.config import NodeConfig

    if not 1 <= options.frames <= 100_000:
        raise InputError(f"--frames {options.frames}: 1 to 100000 are taken")
    if not 0 < options.wait_s <= 3600:  # also true of NaN
        raise InputError(f"--wait-s {options.wait_s:g}: over 0 to 3600 s are taken")
    config = None if options.config is None else strict_yaml.load(options.config, NodeConfig)
    checks = selftest.run(options.bundle, config, options.engine, options.frames, options.wait_s)
    print(selftest.text(options.bundle, checks))
    return 0 if all(each.passed for each in checks) else 1
