"""Export: a fitted run becomes a flight bundle, checked against the training side before it is given away."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from onboard import bundle as bundles
from onboard import files
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.signing import signature_of
from train import lock
from train.config import RunConfig
from train.data.pixels import read_sample
from train.evaluate import load_run
from train.export.calibration_images import checked, checked_windows, grey_of, logit_spread
from train.export.contents import MODEL, write_contents
from train.export.graph import FlightGraph, write
from train.export.half import write_half
from train.export.parts import before_backbone, flown
from train.export.written import Written
from train.prepare import Prepared
from train.runs import FittedHead

BUNDLE, ENGINES = "bundle", "engines"


def export(run: Path, config: RunConfig, precision: str = "fp32") -> Path:
    """Write the run's flight bundle to `RUN/bundle/`; an older one is replaced only by one that passed its checks.

    Args:
        run: the folder of a fitted run.
        config: the run's.
        precision: fp32, or fp16 for everything behind the crop.

    Raises:
        InputError: the run was not finished, its data have changed, or the graph's logits differ from the trained
            head's.
    """
    if config.backbone.onnx is not None:
        raise InputError(
            f"{run}: its head was fitted on features of {config.backbone.onnx}, so it flies inside that network: "
            f"'python -m train fuse {run} --pose {config.backbone.onnx}'"
        )
    head, prepared = load_run(run, config)
    writer = _write_half if precision == "fp16" else _write_graph
    return finish(run, config, head, prepared, lambda path: writer(path, head, prepared, config))


def finish(
    run: Path,
    config: RunConfig,
    head: FittedHead,
    prepared: Prepared,
    write_graph: Callable[[Path], Written],
) -> Path:
    """Make a bundle around a flight graph, check it, and put it into its place, `RUN/bundle/`.

    Args:
        run: the run's folder.
        config: the run's.
        head: fitted.
        prepared: the data that it was fitted on.
        write_graph: writes the ONNX file to a path; gives what the manifest says about it.

    Raises:
        InputError: the graph's logits differ from the trained head's.
    """
    folder, beside = run / BUNDLE, run / f".{BUNDLE}.part"
    with lock.held(run, "run", wait=False):
        shutil.rmtree(beside, ignore_errors=True)  # what a killed export left
        beside.mkdir(parents=True)
        try:
            written = write_graph(beside / MODEL)
            write_contents(beside, head, prepared, config, written)
            _check(beside, head, prepared, config, written.logit_tolerance)
            with files.alone_beside(folder):
                lost = _lost_with(folder)
                files.replace_folder(beside, folder)
            if lost:
                print(f"{folder}: what the old bundle held is gone with it: {'; '.join(lost)}", file=sys.stderr)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return folder


def _lost_with(folder: Path) -> list[str]:
    """What an old bundle holds that a new one does not, and what makes it again."""
    lost = []
    try:
        calibration = bundles.read(folder).manifest.calibration
    except InputError:  # there is none, or none that can be read
        calibration = None
    if calibration is not None:
        lost.append("its calibration ('python -m calibration threshold' and 'tracks' make one)")
    if signature_of(folder / bundles.MANIFEST).exists():
        lost.append("its signature ('python -m train sign' makes one)")
    if (folder / ENGINES).is_dir():
        lost.append("its engines ('python -m onboard build' makes one)")
    return lost


def _write_graph(path: Path, head: FittedHead, prepared: Prepared, config: RunConfig) -> Written:
    backbone = prepared.backbone.module.cpu()
    graph = FlightGraph(before_backbone(prepared, config), backbone, config.layers, flown(head))
    write(graph, path, config.crop.windows[0])
    return Written()


def _write_half(path: Path, head: FittedHead, prepared: Prepared, config: RunConfig) -> Written:
    crop, backbone = before_backbone(prepared, config), prepared.backbone.module.cpu()
    windows, spread = checked_windows(prepared, config), logit_spread(head, prepared)
    return write_half(path, crop, config.crop, backbone, config.layers, flown(head), windows, spread)


def _check(folder: Path, head: FittedHead, prepared: Prepared, config: RunConfig, tolerance: float) -> None:
    """Fly the bundle over calibration images before it gets its name: the logits must be the trained head's."""
    detector = Detector.load(folder)
    chosen = checked(prepared)
    with torch.inference_mode():
        wanted = head.model(prepared.features["calibration"][chosen]).numpy()
    for sample, logit in zip((prepared.split.calibration[i] for i in chosen), wanted, strict=True):
        answer = detector(read_sample(sample, grey_of(config)), sample.box)
        if answer.logit is None or not abs(answer.logit - float(logit)) <= tolerance:
            raise InputError(
                f"{sample.key}: the exported graph gives {answer.logit}, the trained head {float(logit)}; "
                f"more than {tolerance:g} apart, so no bundle is written. Report this together with {folder.parent}"
            )
