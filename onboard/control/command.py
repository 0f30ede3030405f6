"""python -m onboard tell."""

import argparse
import sys
from typing import Any


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "tell",
        help="tell a node in flight something: status, alpha, pause, resume, load, roll-back, self-test, stop",
        description="Sends one command to a flying node's control socket ('control.endpoint' in its configuration) and "
        "prints the answer. Exit code 0: done; 1: refused; 2: nobody answered. docs/control.md tells more.",
    )
    command.add_argument("endpoint", metavar="ENDPOINT", help="such as tcp://127.0.0.1:5557")
    command.add_argument("--timeout", type=_seconds, default=15.0, metavar="S", help="default: %(default)s")
    command.add_argument("--own-secret", metavar="FILE", help="this side's .key_secret file, where the node has keys")
    command.add_argument("--node-key", metavar="FILE", help="the node's .key file, where it has keys")
    told = command.add_subparsers(dest="told", required=True, metavar="COMMAND")
    told.add_parser("status", help="how it flies")
    alpha = told.add_parser("alpha", help="another false-alarm rate, from the next frame on")
    alpha.add_argument("rate", type=float, metavar="RATE", help="such as 0.01")
    alpha.add_argument("--confidence", type=float, metavar="C", help="keep it with this confidence")
    told.add_parser("pause", help="skip frames, and account for them")
    told.add_parser("resume", help="judge frames again")
    load = told.add_parser("load", help="another bundle")
    load.add_argument("bundle", metavar="BUNDLE", help="its folder on the node's host")
    load.add_argument("--engine", metavar="FOLDER", help="of a TensorRT engine built from it (default: ONNX Runtime)")
    told.add_parser("roll-back", help="back to the bundle before")
    told.add_parser("self-test", help="the known answers, now")
    told.add_parser("stop", help="end, as after SIGTERM")


def run(options: argparse.Namespace) -> int:
    import msgspec

    from onboard.control.client import ask
    from onboard.errors import InputError
    from onboard.sockets import Curve

    if (options.own_secret is None) is not (options.node_key is None):
        raise InputError("--own-secret and --node-key go together")
    curve = None if options.own_secret is None else Curve(options.own_secret, options.node_key)
    reply = ask(options.endpoint, _command(options), options.timeout, curve)
    if not reply.ok:
        print(f"{reply.reason}: {reply.error}", file=sys.stderr)
        return 1
    print(msgspec.json.format(msgspec.json.encode(reply.result)).decode())
    return 0


def _command(options: argparse.Namespace) -> Any:
    from onboard.control import messages
    from onboard.control.messages import UnreadableError
    from onboard.errors import InputError

    plain = {
        "status": messages.Status,
        "pause": messages.Pause,
        "resume": messages.Resume,
        "roll-back": messages.RollBack,
        "self-test": messages.SelfTest,
        "stop": messages.Stop,
    }
    if options.told in plain:
        return plain[options.told]()
    if options.told == "load":
        made: messages.Command = messages.Load(options.bundle, options.engine)
    else:
        made = messages.SetAlpha(options.rate, options.confidence)
    try:
        return messages.checked(made)
    except UnreadableError as error:
        raise InputError(f"{options.told}: {error}") from error


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"'{text}' is not allowed: seconds, more than 0 and at most 3600, are needed")
    return value
