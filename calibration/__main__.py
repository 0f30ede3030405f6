"""python -m calibration: false-alarm rates that hold, for frames and for tracks, and the proof."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onboard import cli
from onboard.errors import InputError

if TYPE_CHECKING:
    from calibration.normal_data import NormalData

# Commands import what they need when they run: --help must not wait for SciPy and Matplotlib.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m calibration",
        description="From a bundle and normal data to alarm thresholds with a guarantee, written into the bundle.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    frame = _add(commands, "threshold", _threshold, "calibrate the false-alarm rate of a frame")
    frame.add_argument("--false-alarm-rate", type=_rate, required=True, metavar="ALPHA", help="such as 1e-3")
    frame.add_argument(
        "--confidence", type=_rate, metavar="C", help="keep the rate with this confidence for this very calibration set"
    )
    frame.add_argument("--by-size", action="store_true", help="keep the rate for each range of apparent sizes")
    frame.add_argument("--part", help="of a SPARK-2022 data set: train or val (default: all)")

    track = _add(commands, "tracks", _tracks, "calibrate the false-alarm rate of a whole track within a horizon")
    track.add_argument("--false-alarm-rate", type=_rate, required=True, metavar="ALPHA", help="such as 0.05")
    track.add_argument("--horizon", type=_count, required=True, metavar="H", help="frames from a track's first one")
    track.add_argument(
        "--statistic", choices=["ewma", "k_of_n", "cusum"], help="default: chosen on the tracks that are kept back"
    )
    track.add_argument("--evidence", choices=["score", "log_p"], help="of a frame (default: chosen as well)")
    track.add_argument("--report", type=Path, metavar="DEBRIS", help="folder with debris tracks, to count those missed")
    track.add_argument(
        "--without",
        nargs="+",
        default=[],
        type=_class_and_bundle,
        metavar="CLASS=BUNDLE",
        help="bundles whose heads never saw a class: how often its tracks alarm",
    )
    track.add_argument(
        "--unseen",
        action="store_true",
        help="promise the rate to a class never seen, not to those of the tracks; takes --without for every class",
    )

    proof = _add(commands, "validate", _validate, "measure the false-alarm rate over random splits and disturbances")
    proof.add_argument("--splits", type=_count, default=1000, help="random splits (default: %(default)s)")
    proof.add_argument("--part", help="of a SPARK-2022 data set: train or val (default: all)")
    proof.add_argument("--out", type=Path, help="folder for coverage.png and validate.json (default: the cache's)")

    limits = _add(commands, "bounds", _bounds, "write a bundle whose activations are clamped to their normal range")
    limits.add_argument("--part", help="of a SPARK-2022 data set: train or val (default: all)")
    limits.add_argument("--out", type=Path, help="folder of the new bundle (default: BUNDLE_bounded)")
    limits.add_argument(
        "--margin",
        type=_margin,
        default=1.0,
        help="that a map's range is widened by at each end, as a share of its width (default: %(default)s)",
    )
    limits.add_argument(
        "--vector-margin",
        type=_margin,
        default=64.0,
        help="the same of vectors, which debris moves further (default: %(default)s)",
    )

    small = _add(commands, "int8", _int8, "write a bundle that computes in int8 (explicit Q/DQ)")
    small.add_argument("--part", help="of a SPARK-2022 data set: train or val (default: all)")
    small.add_argument("--out", type=Path, help="folder of the new bundle (default: BUNDLE_int8)")
    small.add_argument(
        "--method",
        choices=["minmax", "entropy", "percentile"],
        default="minmax",
        help="how a tensor's range is made (default: %(default)s)",
    )
    small.add_argument(
        "--fp16",
        type=Path,
        metavar="HALF",
        help="the same head's bundle from 'python -m train export RUN --precision fp16', for the table",
    )
    small.add_argument("--report", type=Path, metavar="DEBRIS", help="data with debris, to report the AUROC")

    told = "write one HTML page about all that is known of a bundle's calibration"
    page = commands.add_parser("report", help=told, description=f"{told.capitalize()}.")
    page.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the flight bundle")
    page.add_argument("--cache", type=Path, help="folder of the scores and results (default: BUNDLE_calibration)")
    page.add_argument("--out", type=Path, metavar="HTML", help="file to write (default: report.html in that folder)")
    page.set_defaults(action=_report)
    return parser


def _add(commands: Any, name: str, action: Callable[[argparse.Namespace], None], told: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=told, description=f"{told.capitalize()}.")
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the flight bundle")
    command.add_argument("data", type=Path, metavar="DATA", help="folder of normal data")
    command.add_argument("--ignore-debris", action="store_true", help="leave debris out instead of refusing the data")
    command.add_argument(
        "--debris-class",
        nargs="+",
        metavar="NAME",
        help="classes that are no satellites (default: debris, and those the head was tested but not fitted on)",
    )
    command.add_argument(
        "--skip-fitted",
        action="store_true",
        help="leave out what the head was fitted on, and of tracks what calibrated frames or made the graph",
    )
    command.add_argument("--grey", choices=["refuse", "replicate"], default="refuse", help="one-channel images")
    command.add_argument("--seed", type=_seed, default=0, help="of every draw (default: %(default)s)")
    if name != "validate":  # it calibrates nothing, and so keeps nothing back
        command.add_argument(
            "--kept-back",
            type=_share,
            default=0.2,
            metavar="SHARE",
            help="of the data, for quantising, clamping and selecting (default: %(default)s)",
        )
    command.add_argument("--cache", type=Path, help="folder of the scores (default: BUNDLE_calibration)")
    command.set_defaults(action=action)
    return command


def _number(text: str, kind: Callable[[str], Any], fits: Callable[[Any], bool], needed: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not fits(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not allowed: {needed} is needed")
    return value


def _rate(text: str) -> float:
    return float(_number(text, float, lambda value: 1e-9 <= value < 1, "a number from 1e-9 to below 1"))


def _share(text: str) -> float:
    return float(_number(text, float, lambda value: 0 <= value < 1, "at least 0 and less than 1"))


def _count(text: str) -> int:
    return int(_number(text, int, lambda value: value >= 1, "a whole number of at least 1"))


def _seed(text: str) -> int:
    return int(_number(text, int, lambda value: value >= 0, "a whole number from 0 up"))


def _margin(text: str) -> float:
    return float(_number(text, float, lambda value: 0 <= value < 1e6, "a number from 0 up"))


def _class_and_bundle(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not allowed: CLASS=BUNDLE is needed, such as cross=runs/b/bundle"
        )
    return name, Path(folder)


def _normal_data(options: argparse.Namespace) -> "NormalData":
    from calibration.normal_data import NormalData

    _refuse_no_bundle(options.bundle)
    return NormalData(
        data=options.data,
        part=getattr(options, "part", None),
        debris=None if options.debris_class is None else tuple(options.debris_class),
        ignore_debris=options.ignore_debris,
        skip_fitted=options.skip_fitted,
        grey=options.grey,
        seed=options.seed,
        kept_back=getattr(options, "kept_back", 0.0),
        cache=_cache(options),
    )


def _refuse_no_bundle(bundle: Path) -> None:
    if not bundle.is_dir():
        raise InputError(f"{bundle}: no such bundle folder; export one with 'python -m train export RUN'")


def _cache(options: argparse.Namespace) -> Path:
    return _beside(options.bundle, options.cache, "calibration", "--cache")


def _threshold(options: argparse.Namespace) -> None:
    from calibration.threshold import threshold

    threshold(options.bundle, _normal_data(options), options.false_alarm_rate, options.confidence, options.by_size)


def _tracks(options: argparse.Namespace) -> None:
    from calibration.track_threshold import TrackOptions
    from calibration.tracks import tracks

    asked = TrackOptions(
        rate=options.false_alarm_rate,
        horizon=options.horizon,
        kind=options.statistic,
        evidence=options.evidence,
        debris=options.report,
        without=dict(options.without),
        unseen=options.unseen,
    )
    tracks(options.bundle, _normal_data(options), asked)


def _validate(options: argparse.Namespace) -> None:
    from calibration.validate import validate

    data = _normal_data(options)
    out = _outside(options.bundle, options.out, "--out") or data.cache
    validate(options.bundle, data, options.splits, out)


def _bounds(options: argparse.Namespace) -> None:
    from calibration.bounds.command import Margins, bounds

    data = _normal_data(options)
    bounds(options.bundle, data, Margins(options.margin, options.vector_margin), _out(options, "bounded"))


def _int8(options: argparse.Namespace) -> None:
    from calibration.int8.command import Int8Options, int8

    asked = Int8Options(options.method, options.fp16, options.report)
    int8(options.bundle, _normal_data(options), asked, _out(options, "int8"))


def _report(options: argparse.Namespace) -> None:
    from calibration.report.command import report

    _refuse_no_bundle(options.bundle)
    cache = _cache(options)
    out = _outside(options.bundle, options.out, "--out") or cache / "report.html"
    report(options.bundle, cache, out)


def _out(options: argparse.Namespace, made: str) -> Path:
    return _beside(options.bundle, options.out, made, "--out")


def _beside(bundle: Path, given: Path | None, made: str, option: str) -> Path:
    whole = bundle.resolve()
    return _outside(bundle, given, option) or whole.with_name(f"{whole.name}_{made}")


def _outside(bundle: Path, given: Path | None, option: str) -> Path | None:
    """A bundle's folder holds what flies, and nothing else."""
    if given is not None and bundle.resolve() in (given.resolve(), *given.resolve().parents):
        raise InputError(f"{option} {given}: lies in the bundle's own folder; give a place outside it")
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code (0: done, 2: bad input, 130: stopped with Ctrl-C)."""
    options = _parser().parse_args(arguments)

    return cli.exit_code(lambda: _act(options), "stopped; the bundle is as it was, and what was found so far is kept")


def _act(options: argparse.Namespace) -> int:
    try:
        options.action(options)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("onboard", "calibration"):
            raise
        raise InputError(f"the package {package} is not installed; run pip install '.[calibration]'") from error
    return 0


if __name__ == "__main__":
    sys.exit(main())
