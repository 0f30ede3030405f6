"""The bench's commands, and what each does with its options."""

import argparse
import signal
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the commands to the program's."""
    bench = commands.add_parser(
        "bench",
        help="stream frames at a node, with faults, and judge it by a ledger and limits",
        description="Starts the configured node (or goes to one that flies), streams frames at it, breaks things as "
        "the plan says, and judges what came back. Ends with code 1 where a limit is not held. docs/bench.md",
    )
    _common(bench, "runs/bench")
    bench.add_argument("--plan", type=Path, metavar="FILE", help="faults, such as configs/faults_short.yaml")
    bench.set_defaults(action=_bench)

    load = commands.add_parser(
        "load",
        help="find the highest frame rate that a node holds, and what it does above it",
        description="Bisects the frame rate for the highest with every frame answered before its deadline, then "
        "streams faster than that to see how the node gives way.",
    )
    _common(load, "runs/load")
    load.add_argument("--from-hz", type=float, default=1.0, metavar="HZ", help="a rate that holds (default: 1)")
    load.add_argument("--to-hz", type=float, default=200.0, metavar="HZ", help="one that does not (default: 200)")
    load.add_argument("--seconds", type=float, default=5.0, help="of each step (default: 5)")
    load.set_defaults(action=_load)

    sabotage = commands.add_parser(
        "sabotage",
        help="switch each of the node's protections off, and see that the bench notices",
        description="Runs a small campaign for each protection, with it and without it. Ends with code 1 where one "
        "makes no difference: then it is not tested.",
    )
    _common(sabotage, "runs/sabotage")
    sabotage.add_argument("--only", metavar="NAME", help="one protection")
    sabotage.set_defaults(action=_sabotage)

    record = commands.add_parser(
        "record",
        help="write a raw recording of frame messages from the configured data",
        description="Writes the pictures of the configured data as frame messages, which 'stream.data' takes.",
    )
    record.add_argument("config", type=Path, metavar="CONFIG")
    record.add_argument("out", type=Path, metavar="OUT.drfm")
    record.add_argument("--data", type=Path, metavar="DATA", help="in place of the configured data")
    record.set_defaults(action=_record)

    clock = commands.add_parser(
        "clock",
        help="answer with this host's monotonic clock, for a bench on another host",
        description="Runs on the node's host; the bench asks it for the offset between the two clocks.",
    )
    clock.add_argument("endpoint", metavar="ENDPOINT", help="to wait at, such as tcp://0.0.0.0:5557")
    clock.add_argument("--secret", metavar="FILE", help="own .key_secret file; needed beyond this host")
    clock.add_argument("--peers", metavar="FOLDER", help="with the .key files of those who may ask")
    clock.set_defaults(action=_clock)


def _put_away_when_asked_to_stop() -> None:
    """Make SIGTERM unwind as Ctrl-C does: a node must not stay behind, nor a small disk mounted."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)


def _common(parser: argparse.ArgumentParser, out: str) -> None:
    parser.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, such as configs/bench.yaml")
    parser.add_argument("--data", type=Path, metavar="DATA", help="in place of the configured data")
    parser.add_argument("--bundle", type=Path, metavar="BUNDLE", help="in place of the configured bundle")
    parser.add_argument(
        "--out", type=_folder, default=Path(out), metavar="FOLDER", help=f"for reports (default: {out})"
    )


def _folder(given: str) -> Path:
    if not given:
        raise argparse.ArgumentTypeError("is empty; an unset variable? name a folder")
    return Path(given)


def _bench(options: argparse.Namespace) -> int:
    from hil_tests.bench import command, results
    from hil_tests.bench.limits import passed

    _put_away_when_asked_to_stop()
    with results.voided(options.out, results.OF_BENCH):  # here too, for the configuration may be what is refused
        setup = command.load(options.config, options.data, options.bundle)
        done, held = command.bench(setup, options.plan, options.out)
    print(command.text(done, held))
    print(f"report: {options.out / 'report.html'}")
    return 0 if passed(held) else 1


def _load(options: argparse.Namespace) -> int:
    from hil_tests.bench import command, load

    setup = command.load(options.config, options.data, options.bundle)
    _put_away_when_asked_to_stop()
    return load.command(setup, options.out, options.from_hz, options.to_hz, options.seconds)


def _sabotage(options: argparse.Namespace) -> int:
    from hil_tests.bench import command, sabotage

    _put_away_when_asked_to_stop()
    return sabotage.command(command.load(options.config, options.data, options.bundle), options.out, options.only)


def _record(options: argparse.Namespace) -> int:
    import uuid

    from hil_tests.bench import command, pictures, recording

    setup = command.load(options.config, options.data, None)
    shown = pictures.load(Path(setup.stream.data), setup.stream.pictures)
    run, period_ns, exposure_ns = uuid.uuid4().bytes, 1e9 / setup.stream.rate_hz, round(setup.stream.exposure_ms * 1e6)
    starts = [round(n * period_ns) for n in range(len(shown))]
    messages = (
        (picture.header(run, n, start, start + exposure_ns, start + exposure_ns), picture.payload)
        for n, (picture, start) in enumerate(zip(shown, starts, strict=True))
    )
    recording.write(options.out, messages)
    print(f"{len(shown)} frames: {options.out}")
    return 0


def _clock(options: argparse.Namespace) -> int:
    from hil_tests.bench import clock
    from onboard.errors import InputError
    from onboard.sockets import Curve

    if (options.secret is None) != (options.peers is None):
        raise InputError("--secret, --peers: both are needed for an encrypted clock, or neither")
    clock.answer_for_ever(options.endpoint, options.secret and Curve(options.secret, options.peers))
    return 0
