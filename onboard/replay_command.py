"""python -m onboard run."""

import argparse
from pathlib import Path
from typing import Any

from onboard.errors import InputError
from onboard.fly import command as fly_command

_REPLACED = {
    "bundle": "bundle",
    "frames": "source.folder",
    "boxes": "source.boxes",
    "out": "output.folder",
    "engine": "runtime.engine",
    "annotate": "output.annotated",
}
"""What each option replaces in a replay's configuration."""


def add(commands: Any, engine_help: str) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="replay a folder of frames with their boxes and write a verdict for each; or fly, as 'fly' does",
        description="Replays a folder of frames with their boxes through a flight bundle. Writes verdicts.jsonl (one "
        "JSON object a frame), summary.json and, with --annotate, pictures. Options replace the config's own values. "
        "A node's configuration, whose source has a 'kind', is flown as by 'python -m onboard fly', without options.",
    )
    command.add_argument(
        "config", type=Path, metavar="CONFIG", help="YAML file, such as configs/flight.yaml or configs/node.yaml"
    )
    command.add_argument("--bundle", help="folder of the flight bundle")
    command.add_argument("--frames", help="folder of frames")
    command.add_argument("--boxes", help="CSV with filename, x_min, y_min, x_max, y_max")
    command.add_argument("--out", help="folder for the verdicts")
    command.add_argument("--engine", metavar="FOLDER", help=engine_help)
    command.add_argument("--annotate", action="store_true", help="also write annotated frames as PNG")
    command.add_argument("--overwrite", action="store_true", help="replace verdicts that are there already")


def run(options: argparse.Namespace) -> int:
    from onboard import strict_yaml
    from onboard.config import FlightConfig
    from onboard.replay_run import ANNOTATED, SUMMARY, VERDICTS
    from onboard.replay_run import run as replay

    raw, given = strict_yaml.parse_file(options.config), _given(options)
    if isinstance(source := raw.get("source"), dict) and "kind" in source:
        _refuse(given, options.config)
        return fly_command.fly_configured(raw, str(options.config))
    overrides = {_REPLACED[name]: value for name, value in given.items() if name in _REPLACED}
    if options.frames and not options.boxes:
        overrides["source.boxes"] = None  # the config's own sidecar belongs to the config's own folder
    strict_yaml.lay_over(raw, overrides, str(options.config))
    config = strict_yaml.convert(raw, FlightConfig, str(options.config))
    summary = replay(config, options.overwrite)
    print(summary.text())
    out = Path(config.output.folder)
    print(f"verdicts: {out / VERDICTS}\nsummary:  {out / SUMMARY}")
    if config.output.annotated:
        print(f"pictures: {out / ANNOTATED}")
    return 0


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, by their names."""
    named = {name: getattr(options, name) for name in (*_REPLACED, "overwrite")}
    return {name: value for name, value in named.items() if value is not None and value is not False}


def _refuse(given: dict[str, Any], config: Path) -> None:
    """Refuse a replay's options beside a node's configuration."""
    if given:
        raise InputError(
            f"{config}: 'kind' in its source makes it a node's configuration, which --{', --'.join(given)} cannot "
            "change: set the keys in the file, or replay a configuration such as configs/flight.yaml"
        )
