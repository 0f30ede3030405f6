"""python -m train: data sets, training, evaluation, export."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onboard import cli
from onboard.errors import InputError

if TYPE_CHECKING:
    from train.config import RunConfig

# Commands import what they need when they run: --help and check must not wait for torch.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description="From a SPARK-like data set to a flight bundle: check, fit, evaluate, export.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = _Adder(commands)

    check = add("check", _check, "find every defect of a SPARK-like data set; exit code 1 when there are any")
    check.add_argument("dataset", metavar="DATASET", help="the data set's folder")
    check.add_argument("--layout", choices=["auto", "spark2021", "spark2022", "spark2024"], default="auto")
    check.add_argument("--box-order", choices=["auto", "row_first", "column_first"], default="auto")
    check.add_argument("--grey", choices=["refuse", "replicate"], default="refuse", help="one-channel images")
    check.add_argument("--full", action="store_true", help="list every defect, not the first few of each kind")
    _add_anomaly_classes(check)

    synth = add("synth", _synth, "render a synthetic data set and tracks; goes on where it was stopped")
    synth.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, such as configs/synth.yaml")

    boxes = add("boxes", _boxes, "write a data set's boxes as the sidecar that 'python -m onboard run' reads")
    boxes.add_argument("dataset", metavar="DATASET", help="the data set's folder")
    boxes.add_argument("--source", default="val", help="the data set's own part (default: %(default)s)")
    boxes.add_argument("--frames", type=Path, help="the folder that the node will replay (default: DATASET/SOURCE)")
    boxes.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    boxes.add_argument("--layout", choices=["auto", "spark2021", "spark2022", "spark2024"], default="auto")
    boxes.add_argument("--box-order", choices=["auto", "row_first", "column_first"], default="auto")
    _add_anomaly_classes(boxes)

    fit = add("fit", _fit, "train the head that a configuration describes; goes on where it was stopped")
    fit.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, such as configs/spark_sample.yaml")
    fit.add_argument("--run", help="folder of the run (default: runs/<config name>)")
    fit.add_argument("--data", help="the data set's folder, instead of the config's")

    for name, action, told in (
        ("evaluate", _evaluate, "score a run's test part: metrics, plots, worst mistakes"),
        ("export", _export, "write a run's flight bundle to RUN/bundle/"),
    ):
        command = add(name, action, told)
        command.add_argument("run", type=Path, metavar="RUN", help="folder of a fitted run")
        command.add_argument("--data", help="the data set's folder, where it has moved")
        if name == "export":
            _add_precision(command)

    taps = add("taps", _taps, "list the tensors of a pose network's ONNX file that a debris head may take")
    taps.add_argument("pose", type=Path, metavar="POSE", help="ONNX file")
    taps.add_argument("--all", action="store_true", help="every float map and vector, not only those worth tapping")
    taps.add_argument(
        "--input-px", type=int, nargs=2, metavar=("H", "W"), help="input size, where the file leaves it open"
    )

    fuse = add("fuse", _fuse, "write a flight bundle whose graph holds the whole pose network and the run's head")
    fuse.add_argument("run", type=Path, metavar="RUN", help="folder of a run fitted with 'backbone: {onnx, tap}'")
    fuse.add_argument("--pose", type=Path, required=True, help="the ONNX file that the run was fitted on")
    fuse.add_argument(
        "--keep-inputs", type=Path, metavar="OUT", help="also write the graph with the network's own input, for a loop"
    )
    fuse.add_argument("--data", help="the data set's folder, where it has moved")
    _add_precision(fuse)

    cost = add("cost-graphs", _cost_graphs, "write the graphs that 'python -m hil_tests marginal-cost' times")
    cost.add_argument("out", type=Path, metavar="FOLDER", help="where to write them")
    cost.add_argument("--backbones", nargs="+", default=["resnet50", "efficientnet_lite0"])

    benchmark = add("benchmark", _benchmark, "every method under every protocol, chosen without labels, in one table")
    benchmark.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, such as configs/bench_spark.yaml")
    benchmark.add_argument("--data", help="the data set's folder, instead of the config's")
    benchmark.add_argument("--out", type=Path, help="folder of the benchmark (default: runs/<config name>)")

    report = add("report", _report, "write one HTML page about evaluated runs and benchmarks, to be read anywhere")
    report.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of an evaluated run or a benchmark")
    report.add_argument("--out", type=Path, metavar="FILE", help="the page (default: report.html in the first RUN)")

    bench = add("bench-step", _bench_step, "time PLUME's training step against one with the D x D matrices written out")
    bench.add_argument("--json", type=Path, metavar="OUT", help="file for the figures")
    bench.add_argument("--preset", choices=["reference", "paper"], default="reference")
    bench.add_argument("--batch", type=int, default=32, help="samples a step (default: %(default)s)")
    bench.add_argument("--dim", type=int, default=3072, help="D, and the perturbator's width (default: %(default)s)")
    bench.add_argument("--repeats", type=int, default=10, help="timed steps of each form (default: %(default)s)")
    bench.add_argument("--threads", type=int, help="CPU threads of a step (default: torch's, one a core)")
    bench.add_argument("--seed", type=int, default=0, help="of weights, batch and noise (default: %(default)s)")
    bench.add_argument("--device", choices=["cpu", "cuda"], default="cpu")

    pose = add("pose", _pose, "train a small reference pose network on synthetic tracks: an example to fuse with")
    pose.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, such as configs/pose_example.yaml")
    pose.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: runs/<config name>)")

    keys = add("keys", _keys, "make a key pair that bundles are signed with: private.pem and public.pem")
    keys.add_argument("folder", type=Path, metavar="FOLDER", help="for the two files; nothing is overwritten")

    sign = add("sign", _sign, "sign a flight bundle, or a TensorRT engine that was built from it")
    sign.add_argument("folder", type=Path, metavar="FOLDER", help="of the bundle or engine; checked first")
    sign.add_argument("--key", type=Path, required=True, metavar="PRIVATE", help="PEM file, as 'keys' makes it")

    demo = add("demo", _demo, "render, train, evaluate, export, and fly a track of each kind")
    demo.add_argument("--data", help="use this SPARK folder instead of the synthetic data set")
    return parser


def _add_anomaly_classes(command: argparse.ArgumentParser) -> None:
    told = "the classes that are debris, as data.anomaly_classes has them (default: debris)"
    command.add_argument("--anomaly-classes", nargs="+", default=["debris"], metavar="NAME", help=told)


def _add_precision(command: argparse.ArgumentParser) -> None:
    told = "fp16: convert everything behind the crop to float16; refused where that moves the logit too far"
    command.add_argument("--precision", choices=["fp32", "fp16"], default="fp32", help=told)


class _Adder:
    """Adds a command with its help and the function that runs it."""

    def __init__(self, commands: Any) -> None:
        self._commands = commands

    def __call__(self, name: str, action: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = self._commands.add_parser(name, help=told, description=told)
        command.set_defaults(action=action)
        return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code (0: done, 1: defects found, 2: bad input, 130: Ctrl-C)."""
    options = _parser().parse_args(arguments)
    return cli.exit_code(lambda: _act(options), "stopped; the same command goes on from here")


def _act(options: argparse.Namespace) -> int:
    try:
        code: int = options.action(options)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("onboard", "train"):
            raise
        raise InputError(f"the package {package} is not installed; run pip install '.[train,synth]'") from error
    return code


def _check(options: argparse.Namespace) -> int:
    from train.data.check import check
    from train.data.config import SparkData

    config = SparkData(
        options.dataset, options.layout, options.box_order, tuple(options.anomaly_classes), grey=options.grey
    )
    report = check(config)
    print(report.text(None if options.full else 5))
    return 1 if report.defects else 0


def _synth(options: argparse.Namespace) -> int:
    from train.synth import config
    from train.synth.dataset import render

    print(f"synthetic data set: {render(config.load(options.config))}")
    return 0


def _boxes(options: argparse.Namespace) -> int:
    from train.boxes import write_boxes
    from train.data.config import SparkData

    frames = options.frames or Path(options.dataset) / options.source
    config = SparkData(options.dataset, options.layout, options.box_order, tuple(options.anomaly_classes))
    rows = write_boxes(config, options.source, frames, options.out)
    print(f"{options.out}: boxes of {rows} images below {frames}")
    return 0


def _fit(options: argparse.Namespace) -> int:
    from train import config, runs
    from train.fit import fit

    overrides = {"data.root": options.data} if options.data else None
    fit(config.load(options.config, overrides), runs.folder_of(options.config, options.run))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from train.evaluate import METRICS, evaluate, text

    print(text(evaluate(options.run, _config_of(options))))
    pictures = ", ".join(sorted(path.name for path in options.run.glob("*.png")))
    print(f"figures: {options.run / METRICS}; pictures beside it: {pictures}")
    return 0


def _export(options: argparse.Namespace) -> int:
    from train.export.bundle import export

    _tell(export(options.run, _config_of(options), options.precision))
    return 0


def _tell(bundle: Path) -> None:
    from onboard import bundle as bundles
    from train.half.flight import text

    if conversion := bundles.read(bundle).manifest.conversion:
        print(text(conversion))
    print(f"flight bundle: {bundle}")


def _taps(options: argparse.Namespace) -> int:
    from train.onnx_model.command import text

    print(text(options.pose, options.all, tuple(options.input_px) if options.input_px else None))
    return 0


def _fuse(options: argparse.Namespace) -> int:
    from train.fuse.command import fuse

    _tell(fuse(options.run, _config_of(options), options.pose, options.keep_inputs, options.precision))
    if options.keep_inputs:
        print(f"graph with the network's own input: {options.keep_inputs}")
    return 0


def _cost_graphs(options: argparse.Namespace) -> int:
    from train.cost_graphs import write

    write(options.out, options.backbones)
    print(f"graphs: {options.out}")
    return 0


def _config_of(options: argparse.Namespace) -> "RunConfig":
    import msgspec

    from train import runs

    config = runs.read_config(options.run)
    if not options.data:
        return config
    return msgspec.structs.replace(config, data=msgspec.structs.replace(config.data, root=options.data))


def _benchmark(options: argparse.Namespace) -> int:
    from train import runs
    from train.benchmark.command import benchmark

    out = options.out or runs.folder_of(options.config, None)
    text = benchmark(options.config, options.data, out)
    if text:  # under torchrun one process speaks for all
        print(f"{text}\ntables: {out}/tables.md, *.csv; plot: {out}/methods.png; page: python -m train report {out}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from train.report.page import write

    out = options.out or options.runs[0] / "report.html"
    write(options.runs, out)
    print(f"report: {out}")
    return 0


def _bench_step(options: argparse.Namespace) -> int:
    from train.stepbench.command import bench_step

    o = options
    return bench_step(o.preset, o.batch, o.dim, o.repeats, o.threads, o.seed, o.device, o.json)


def _pose(options: argparse.Namespace) -> int:
    from train import runs
    from train.pose import config
    from train.pose.command import pose

    out = options.out or runs.folder_of(options.config, None)
    for name, errors in pose(config.load(options.config), out).items():
        print(
            f"{name:>18}: rotation {errors['rotation_median_deg']:.1f} degrees, "
            f"translation {errors['translation_median_m']:.2f} m "
            f"({errors['translation_median_share_of_distance']:.1%} of the distance), medians of the held-out tracks"
        )
    print(f"pose network: {out}/pose.onnx; its trunk: {out}/trunk.pt; about both: {out}/pose.yaml")
    return 0


def _keys(options: argparse.Namespace) -> int:
    from train.signing import make_keys

    private, public = make_keys(options.folder)
    print(f"private key: {private} (keep it on the ground, where nothing else can read it; lost keys are not replaced)")
    print(f"public key:  {public} (goes on board: 'signature: {{public_key: ...}}')")
    return 0


def _sign(options: argparse.Namespace) -> int:
    from train.signing import sign

    print(f"signature: {sign(options.folder, options.key)}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from train.demo import demo

    demo(options.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
