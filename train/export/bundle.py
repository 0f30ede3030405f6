"""Export: a fitted run becomes a flight bundle, checked against the training side before it is given away."""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor

from onboard import bundle as bundles
from onboard import files, image_hashes, provenance
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.manifest import KnownAnswer, Manifest, TensorSpec
from onboard.signing import signature_of
from onboard.window import Window
from train import lock, runs
from train.config import RunConfig
from train.data.pixels import read_sample
from train.evaluate import load_run
from train.export.calibration_images import checked, checked_windows, grey_of, logit_spread, windows_of
from train.export.fold import fold
from train.export.graph import FlightGraph, write
from train.export.half import write_half
from train.export.known_answers import choose
from train.export.written import Written, logits_in_flight
from train.fit import counts
from train.plume.model import Plume
from train.prepare import Prepared
from train.preprocessing import Preprocessing, preprocessing
from train.runs import FittedHead

BUNDLE, MODEL, SCORES = "bundle", "model.onnx", "calibration_scores.npy"
FIT_IMAGES, ENGINES = "fit_images.bin", "engines"


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
            _write(beside, head, prepared, config, written)
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


def before_backbone(prepared: Prepared, config: RunConfig) -> Preprocessing:
    """The preprocessing that the run's features were extracted with."""
    norm = prepared.backbone.normalisation
    return preprocessing(config.crop, norm.mean, norm.std)


def flown(head: FittedHead) -> torch.nn.Module:
    """What flies of the head, from N x F features to N x 1 logits: folded where a rule does it."""
    return fold(head.model, head.feature_dim) if isinstance(head.model, Plume) else _Unfolded(head.model)


def _write_graph(path: Path, head: FittedHead, prepared: Prepared, config: RunConfig) -> Written:
    backbone = prepared.backbone.module.cpu()
    graph = FlightGraph(before_backbone(prepared, config), backbone, config.layers, flown(head))
    write(graph, path, config.crop.windows[0])
    return Written()


def _write_half(path: Path, head: FittedHead, prepared: Prepared, config: RunConfig) -> Written:
    crop, backbone = before_backbone(prepared, config), prepared.backbone.module.cpu()
    windows, spread = checked_windows(prepared, config), logit_spread(head, prepared)
    return write_half(path, crop, config.crop, backbone, config.layers, flown(head), windows, spread)


def _write(folder: Path, head: FittedHead, prepared: Prepared, config: RunConfig, written: Written) -> None:
    chosen = choose(prepared, config)
    windows = list(chosen.values())
    if written.conversion:  # p-values and known answers are those of the graph that flies
        answers = logits_in_flight(folder / MODEL, windows, len(windows)).tolist()
        normals = prepared.split.calibration
        scores = -logits_in_flight(folder / MODEL, windows_of(normals, config), len(normals))
    else:
        backbone = prepared.backbone.module.cpu()
        trained = FlightGraph(before_backbone(prepared, config), backbone, config.layers, _Unfolded(head.model)).eval()
        answers = [_logit(trained, window) for window in windows]
        with torch.inference_mode():
            scores = -head.model(prepared.features["calibration"]).numpy()
    known = []
    for (name, window), answer in zip(chosen.items(), answers, strict=True):
        files.write_bytes(folder / name, _png(window))
        region = tuple(float(value) for value in window.region)
        known.append(KnownAnswer(name, region, answer))  # type: ignore[arg-type]
    files.write_bytes(folder / SCORES, _npy(np.sort(scores.astype(np.float32))))
    names = [MODEL, SCORES, *(answer.window for answer in known)]
    names += [written.preprocessing] if written.preprocessing else []
    # CIFAR's images are rows of a few files, whose hashes would say nothing.
    images_are_files = all(sample.row is None for sample in prepared.split.fit)
    if images_are_files:
        digests = (files.sha256(sample.path) for sample in prepared.split.fit)
        files.write_bytes(folder / FIT_IMAGES, image_hashes.pack(digests))
        names.append(FIT_IMAGES)
    bundles.write_manifest(
        folder,
        Manifest(
            format=1,
            model=MODEL,
            files={name: files.sha256(folder / name) for name in names},
            inputs=tensors(folder / MODEL, "input"),
            outputs=tensors(folder / MODEL, "output"),
            crop=config.crop,
            backbone={
                "name": prepared.backbone.name,
                "weights": prepared.backbone.weights_source,
                "weights_sha256": prepared.backbone.weights_sha256,
                **written.backbone,
            },
            head={
                "kind": msgspec.to_builtins(config.head)["kind"],
                "layers": list(config.layers),
                "feature_dim": head.feature_dim,
                "learning_rate": head.learning_rate,
                "settings": msgspec.to_builtins(runs.resolved(config).head),
            },
            training={
                "seed": config.seed,
                "epochs": config.fit.epochs,
                "split_sha256": prepared.split.hash(),
                "samples": counts(prepared.split),
                "git": provenance.git_state(),
            },
            calibration_scores=SCORES,
            known_answers=tuple(known),
            logit_tolerance=written.logit_tolerance,
            versions=provenance.versions(),
            precision=written.precision,
            conversion=written.conversion,
            preprocessing=written.preprocessing,
            fit_images=FIT_IMAGES if images_are_files else None,
        ),
    )


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


class _Unfolded(torch.nn.Module):
    """The trained head with the folded one's output shape, N x 1."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.model(features)
        return logits[:, None]


def tensors(model: Path, side: str) -> tuple[TensorSpec, ...]:
    """Name, type and shape of the graph's inputs or outputs."""
    graph = onnx.load(str(model), load_external_data=False).graph
    found = []
    for value in getattr(graph, side):
        kind = value.type.tensor_type
        shape = tuple(d.dim_param or d.dim_value for d in kind.shape.dim)
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
        found.append(TensorSpec(value.name, dtype, shape))
    return tuple(found)


def _logit(graph: FlightGraph, window: Window) -> float:
    with torch.inference_mode():
        return float(graph(torch.from_numpy(window.pixels)[None], torch.from_numpy(window.region)[None]))


def _png(window: Window) -> bytes:
    done, encoded = cv2.imencode(".png", cv2.cvtColor(window.pixels, cv2.COLOR_RGB2BGR))
    if not done:
        raise InputError("OpenCV could not encode a known-answer window as PNG")
    return encoded.tobytes()


def _npy(values: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()
