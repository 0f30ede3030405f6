"""What lies in a bundle beside its graph: known answers, the scores of held-out normals, hashes, the manifest."""

import io
from pathlib import Path

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import onnx
import torch

from onboard import bundle as bundles
from onboard import files, image_hashes, provenance
from onboard.errors import InputError
from onboard.manifest import KnownAnswer, Manifest, TensorSpec
from onboard.window import Window
from train import runs
from train.config import RunConfig
from train.export.calibration_images import windows_of
from train.export.graph import FlightGraph
from train.export.known_answers import choose
from train.export.parts import Unfolded, before_backbone
from train.export.written import Written, logits_in_flight
from train.fit import counts
from train.prepare import Prepared
from train.runs import FittedHead

MODEL, SCORES, FIT_IMAGES = "model.onnx", "calibration_scores.npy", "fit_images.bin"


def write_contents(folder: Path, head: FittedHead, prepared: Prepared, config: RunConfig, written: Written) -> None:
    """Write all of it into the folder that holds the graph."""
    chosen = choose(prepared, config)
    windows = list(chosen.values())
    if written.conversion:  # p-values and known answers are those of the graph that flies
        answers = logits_in_flight(folder / MODEL, windows, len(windows)).tolist()
        normals = prepared.split.calibration
        scores = -logits_in_flight(folder / MODEL, windows_of(normals, config), len(normals))
    else:
        backbone = prepared.backbone.module.cpu()
        trained = FlightGraph(before_backbone(prepared, config), backbone, config.layers, Unfolded(head.model)).eval()
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
