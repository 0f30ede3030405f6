"""python -m hil_tests: what is measured on the bench."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from onboard import cli, files
from onboard.errors import InputError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hil_tests", description="Measures a bundle on the bench.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    report = commands.add_parser(
        "trtexec-report",
        help="read reports of trtexec and give the debris head's cost",
        description="Reads reports of TensorRT 8.4 to 11. The JSON has the fused report's keys at its top (the pose "
        "report's, when that stands alone); with both, also 'pose' (the same keys) and 'marginal'. What a report does "
        "not say is null. Of a file with several runs the last whole one is read.",
    )
    report.add_argument("fused", type=Path, nargs="?", metavar="FUSED.log")
    report.add_argument("--pose", type=Path, metavar="POSE.log", help="the pose network's report, same settings")
    report.add_argument("--times", type=Path, metavar="FILE", help="written by --exportTimes")
    report.add_argument("--profile", type=Path, metavar="FILE", help="written by --exportProfile")
    report.add_argument("--layers", type=Path, metavar="FILE", help="written by --exportLayerInfo")
    report.add_argument("--head-prefix", default="debris", help="in a head layer's name (default: %(default)s)")
    report.add_argument("--json", metavar="OUT", help="file for the figures; - is standard output, and nothing else")
    report.add_argument("--out", type=Path, metavar="FOLDER", help="folder for report.md, report.json, report.png")
    report.set_defaults(action=_trtexec_report)

    command = commands.add_parser(
        "trtexec-command",
        help="print trtexec's command lines for a bundle",
        description="Prints, for each TensorRT, lines without data transfers and with a CUDA graph, one pair for "
        "each window size: the first builds and times, the second times each layer.",
    )
    command.add_argument("bundle", type=Path, metavar="BUNDLE")
    command.add_argument("--version", help="only this TensorRT, such as 8.6, 10.3 or 11.4")
    command.add_argument("--pose", type=Path, metavar="POSE.onnx", help="also the pose network alone")
    command.add_argument("--pose-shapes", help="where its input varies, such as image:1x3x224x224")
    command.add_argument("--fp16", action="store_true", help="the graph computes in fp16; TensorRT 8 must be told")
    command.set_defaults(action=_trtexec_command)

    cost = commands.add_parser(
        "marginal-cost",
        help="time a pose network with and without the debris head, in ONNX Runtime on one thread",
        description="Times the pose network alone, fused with a debris head, and a separate detector by turns in one "
        "process, and the crop by window size. 'python -m train cost-graphs' makes the graphs (random weights).",
    )
    cost.add_argument("--json", metavar="OUT", help="file for the figures; - is standard output, and nothing else")
    cost.add_argument("--backbones", nargs="+", default=["resnet50", "efficientnet_lite0"])
    cost.add_argument("--graphs", type=Path, metavar="FOLDER", help="keep the graphs there; those there are used")
    cost.add_argument("--rounds", type=int, default=100, help="how often each graph is timed (default: %(default)s)")
    cost.set_defaults(action=_marginal_cost)
    from hil_tests.bench import arguments
    from hil_tests.latency import arguments as latency

    arguments.add(commands)
    latency.add(commands)

    seu = commands.add_parser(
        "seu",
        help="flip bits in a bundle's weights and files, and tell what notices them",
        description="Flips bits of stored weights, a flip at a time, and runs frames and known answers with each. "
        "Goes on where it was stopped. Writes flips.jsonl, result.json, two charts and index.html. Exit code 1: a "
        "flip in a file was loaded.",
    )
    seu.add_argument("bundle", type=Path, metavar="BUNDLE")
    seu.add_argument("data", type=Path, metavar="DATA", help="folder of frames with boxes.csv")
    seu.add_argument("-n", type=int, default=20000, metavar="FLIPS", help="flips in all (default: %(default)s)")
    seu.add_argument("--bounded", type=Path, metavar="BUNDLE2", help="the same with clamps: 'calibration bounds'")
    seu.add_argument("--boxes", type=Path, metavar="CSV", help="the frames' boxes (default: DATA/boxes.csv)")
    seu.add_argument("--grey", choices=["refuse", "replicate"], default="refuse", help="one-channel images")
    seu.add_argument("--frames", type=int, default=32, help="judged with each flip (default: %(default)s)")
    seu.add_argument("--bits", type=int, default=1, help="neighbouring bits of each flip, 1 to 8 (default: 1)")
    seu.add_argument("--rate", type=float, help="false-alarm rate of the decision (default: the bundle's)")
    seu.add_argument("--seed", type=int, default=0)
    seu.add_argument("--as-flown", type=int, default=200, help="flips judged again as flown (default: %(default)s)")
    seu.add_argument("--file-blocks", type=int, default=512, help="regions of each file; 0: none (default: 512)")
    seu.add_argument("--answer-period-s", type=float, default=60.0, help="between known-answer frames (default: 60)")
    seu.add_argument("--reload-period-s", type=float, default=3600.0, help="between reloads (default: 3600)")
    seu.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    seu.add_argument("--out", type=Path, metavar="DIR", help="folder of the results (default: BUNDLE_seu)")
    seu.set_defaults(action=_seu)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code (0: done, 2: bad input, 130: Ctrl-C)."""
    options = _parser().parse_args(arguments)
    return cli.exit_code(lambda: options.action(options), "stopped")


def _marginal_cost(options: argparse.Namespace) -> int:
    from hil_tests.marginal.command import marginal_cost

    if options.rounds < 1:
        raise InputError(f"--rounds: {options.rounds} is not allowed; time each graph once at least")
    marginal_cost(options.backbones, options.graphs, options.rounds, options.json)
    return 0


def _seu(options: argparse.Namespace) -> int:
    least = {"-n": options.n, "--frames": options.frames, "--workers": options.workers, "--bits": options.bits}
    least |= {"--as-flown": options.as_flown + 1, "--file-blocks": options.file_blocks + 1, "--seed": options.seed + 1}
    least |= {"--answer-period-s": options.answer_period_s, "--reload-period-s": options.reload_period_s}
    for name, value in least.items():
        if not 0 < value < float("inf"):
            raise InputError(f"{name}: too small or no number; see python -m hil_tests seu --help")
    if options.rate is not None and not 0 < options.rate < 1:
        raise InputError(f"--rate: {options.rate} is not allowed; give a false-alarm rate between 0 and 1")
    if options.bits > 8:
        raise InputError(f"--bits: {options.bits} is not allowed; the smallest stored number has 8 bits")
    try:
        from hil_tests.seu.campaign import Asked
        from hil_tests.seu.command import seu
        from hil_tests.seu.frames import FrameChoice
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed; run pip install '.[hil]'") from error

    asked = Asked(
        {"plain": options.bundle} | ({"bounded": options.bounded} if options.bounded else {}),
        FrameChoice(options.data, options.boxes, options.frames, options.seed, options.grey),
        options.n,
        options.bits,
        options.seed,
        options.rate,
        options.as_flown,
        options.workers,
    )
    folder = options.bundle.resolve()
    out = options.out or folder.with_name(f"{folder.name}_seu")
    periods_s = (options.answer_period_s, options.reload_period_s)
    return 0 if seu(asked, periods_s, options.file_blocks, out) else 1


def _trtexec_report(options: argparse.Namespace) -> int:
    from hil_tests.trtexec import render
    from hil_tests.trtexec.report import report

    result = report(options.fused, options.pose, options.times, options.profile, options.layers, options.head_prefix)
    text, figures = render.markdown(result), json.dumps(result, indent=2, allow_nan=False) + "\n"
    if options.json == "-":
        sys.stdout.write(figures)
    else:
        print(text)
        if options.json:
            files.write_text(Path(options.json), figures)
    if options.out:
        files.write_text(options.out / "report.md", text)
        files.write_text(options.out / "report.json", figures)
        try:
            render.plot(result, options.out / "report.png")
        except ModuleNotFoundError as error:
            raise InputError("matplotlib is not installed, for report.png; run pip install '.[hil]'") from error
    return 0


def _trtexec_command(options: argparse.Namespace) -> int:
    from hil_tests.trtexec.command_line import VERSIONS, commands
    from onboard import bundle

    read = bundle.read(options.bundle)
    for version in [options.version] if options.version else VERSIONS:
        print(f"# TensorRT {version}")
        print("\n".join(commands(read, version, options.pose, options.pose_shapes, options.fp16)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
