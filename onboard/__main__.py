"""python -m onboard: fly, tell a node in flight something, replay frames, verify a bundle, build an engine, compare."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from onboard import cli, replay_command
from onboard.compare import command as compare_command
from onboard.control import command as control_command
from onboard.detector import Detector
from onboard.fly import command as fly_command
from onboard.journal import command as journal_command
from onboard.selftest import command as selftest_command
from onboard.signing import SignatureConfig
from onboard.telemetry import command as telemetry_command
from onboard.trt import command as trt_command

_ENGINE = "TensorRT engine that 'python -m onboard build' made here from the bundle (default: ONNX Runtime)"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m onboard", description="Frames in, verdicts out.")
    commands = parser.add_subparsers(dest="command", required=True)
    replay_command.add(commands, _ENGINE)
    verify = commands.add_parser("verify", help="check a bundle's hashes and known answers on this machine")
    verify.add_argument("bundle", type=Path, metavar="BUNDLE")
    verify.add_argument("--engine", type=Path, metavar="FOLDER", help=_ENGINE)
    verify.add_argument("--public-key", metavar="PEM", help="also check that the owner of this key has signed both")
    fly_command.add(commands)
    trt_command.add(commands)
    compare_command.add(commands)
    journal_command.add(commands)
    control_command.add(commands)
    telemetry_command.add(commands)
    selftest_command.add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code (0: done, 1: limit passed, 2: bad input, 130: stopped with Ctrl-C)."""
    options = _parser().parse_args(arguments)
    actions = {
        "run": replay_command.run,
        "fly": fly_command.run,
        "verify": _verify,
        "build": trt_command.run,
        "compare-pose": compare_command.run,
        "journal": journal_command.run,
        "tell": control_command.run,
        "telemetry": telemetry_command.run,
        "selftest": selftest_command.run,
    }
    stopped = {
        "tell": "stopped; the command may have been carried out: ask for the status",
        "run": "stopped; the verdicts so far are kept",
        "fly": "stopped at once; the next start records a frame that was under way as SKIPPED(restart)",
    }.get(options.command, "stopped; nothing was written")
    return cli.exit_code(lambda: actions[options.command](options), stopped)


def _verify(options: argparse.Namespace) -> int:
    key = SignatureConfig(options.public_key).key()
    detector = Detector.load(options.bundle, engine=options.engine, key=key)
    known = len(detector.bundle.manifest.known_answers)
    print(f"{options.bundle}: all hashes match, {known} known answers given; bundle {detector.bundle.sha256}")
    if key is not None:
        print(f"  signed by the owner of {options.public_key}")
    for name, value in {**detector.engine.about(), **detector.engine.times_ms()}.items():
        print(f"  {name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
