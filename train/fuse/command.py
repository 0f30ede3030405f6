"""Fuse: a fitted head and the pose network that it was fitted on become one flight graph."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import ModelProto

from onboard import files
from onboard.errors import InputError
from onboard.window import Window
from train import runs
from train.backbones.onnx_prefix import OnnxBackbone, pool_of, refuse_other_input, refuse_unknown_taps
from train.config import RunConfig
from train.evaluate import load_run
from train.export.bundle import finish
from train.export.calibration_images import checked_windows, logit_spread
from train.export.known_answers import choose
from train.export.parts import before_backbone, flown
from train.export.written import Written, precision_of, weights_bytes
from train.fuse import merge, parts
from train.fuse.compare import HALF_RTOL, OPTIMISED_RTOL, Array, images, outputs_of, refuse_changed
from train.fuse.opset import lowest_tensorrt, normalised
from train.half import flight
from train.half.flight import Half
from train.onnx_model import load as loading
from train.onnx_model import walk
from train.onnx_model.ports import ImagePort, image_port
from train.onnx_model.shapes import kinds
from train.prepare import Prepared
from train.runs import FittedHead

PREPROCESSING = "crop.onnx"


@dataclass(frozen=True)
class PoseNetwork:
    """A pose network that fits a run.

    Attributes:
        path: of its file.
        model: as loaded.
        port: its image input.
        taps: the tensors that the run's head takes.
    """

    path: Path
    model: ModelProto
    port: ImagePort
    taps: tuple[str, ...]


def fuse(run: Path, config: RunConfig, pose: Path, keep_inputs: Path | None = None, precision: str = "fp32") -> Path:
    """Write the run's flight bundle, whose graph holds the whole pose network, to `RUN/bundle/`.

    Args:
        run: the folder of a fitted run.
        config: the run's.
        pose: the ONNX file that it was fitted on.
        keep_inputs: a file for the same graph without preprocessing: the network's own input (and `debris_box`, where
            it sees the whole frame), and its outputs and `debris_logit`; None: not written.
        precision: fp32 leaves the network as it is; fp16 converts it and the head, where it has no float16 in it
            already.

    Raises:
        InputError: the network cannot be used, is not the one that the run was fitted on, or the fused graph does not
            give what network and head give apart; float16 moves a logit too far.
    """
    if keep_inputs is not None:
        _refuse_taken_place(keep_inputs, pose)
    head = runs.read_head(run, config)
    network = fitting(run, config, head, pose)
    config = msgspec.structs.replace(config, backbone=msgspec.structs.replace(config.backbone, onnx=str(pose)))
    head, prepared = load_run(run, config)
    fused = _Fused.build(network, head, prepared, config)
    fused.check(list(choose(prepared, config).values()))
    written = Written("fp32", fused.facts(), preprocessing=PREPROCESSING)
    if fused.is_half_already:
        spread = logit_spread(head, prepared)
        limit, told = flight.tolerance(spread, pose), flight.left_as_it_was(spread)
        written = dataclasses.replace(written, precision="fp16", logit_tolerance=limit, conversion=told)
    elif precision == "fp16":
        fused, half = fused.halved(checked_windows(prepared, config), logit_spread(head, prepared))
        written = Written("fp16", fused.facts(), half.logit_tolerance, half.facts, PREPROCESSING)

    def write(path: Path) -> Written:
        onnx.save(fused.flight, str(path))
        onnx.save(fused.before, str(path.with_name(PREPROCESSING)))
        return written

    folder = finish(run, config, head, prepared, write)
    if keep_inputs is not None:
        with files.whole(keep_inputs) as beside:
            onnx.save(fused.kept, str(beside))
    return folder


def _refuse_taken_place(keep_inputs: Path, pose: Path) -> None:
    if keep_inputs.is_dir():
        raise InputError(f"{keep_inputs}: is a folder; give --keep-inputs a file, such as {keep_inputs / 'kept.onnx'}")
    if keep_inputs.exists() and pose.exists() and keep_inputs.samefile(pose):
        raise InputError(
            f"{keep_inputs}: is the pose network itself, which would be lost; give --keep-inputs another file"
        )


def fitting(run: Path, config: RunConfig, head: FittedHead, path: Path) -> PoseNetwork:
    """The pose network, if it is the one that the run's head was fitted on.

    Raises:
        InputError: it is not, or cannot be used; says what to do.
    """
    if config.backbone.onnx is None:
        raise InputError(
            f"{run}: its head was fitted on the built-in backbone {config.backbone.name}, not on {path}: fit one with "
            f"'backbone: {{onnx: {path}, tap: NAME}}' in its configuration, or use 'python -m train export {run}'"
        )
    model, taps = loading.load(path), config.backbone.taps
    port = image_port(model, path)
    refuse_other_input(port, config.crop, path)
    refuse_unknown_taps(model, port, taps, config.crop, path)
    part = walk.prefix(model, taps)
    there = OnnxBackbone(part, port, taps, path, pool_of(config.crop)).channels(config.crop)
    width = sum(there.get(layer, 0) for layer in config.layers)
    if width != head.feature_dim:
        raise InputError(
            f"{path}: {', '.join(config.layers)} at the tap {', '.join(taps)} have {width} channels, but the head of "
            f"{run} was fitted on {head.feature_dim}; fuse the network that it was fitted on, or fit another run"
        )
    if walk.digest(part) != head.weights_sha256:
        raise InputError(
            f"{path}: is not the network that {run} was fitted on: up to the tap its operators, weights or opset "
            "differ (retrained, or exported again with other settings); fuse the very file of the fit, or fit again"
        )
    return PoseNetwork(path, model, port, taps)


@dataclass(frozen=True)
class _Fused:
    """The graphs of one fusion.

    Attributes:
        network: untouched.
        before: the preprocessing alone.
        flight: preprocessing, network and head.
        kept: network and head.
    """

    network: PoseNetwork
    before: ModelProto
    flight: ModelProto
    kept: ModelProto

    @staticmethod
    def build(network: PoseNetwork, head: FittedHead, prepared: Prepared, config: RunConfig) -> "_Fused":
        port, path, taps = network.port, network.path, network.taps
        height, width = config.crop.input_hw
        image = np.random.default_rng(0).standard_normal((1, port.channels, height, width))
        if port.channels_last:
            image = image.transpose(0, 2, 3, 1)
        pose = normalised(network.model, taps, {port.name: image.astype(port.dtype)}, path)
        version = loading.opset(pose)
        known = kinds(network.model, port, height, width)
        backbone = prepared.backbone.module
        if not isinstance(backbone, OnnxBackbone):
            raise AssertionError("a run on an ONNX file has it as its backbone")
        module = parts.TapHead(backbone.names, config.layers, flown(head), backbone.pool)
        batch = (port.symbol or "batch") if port.batch is None else None
        behind = parts.head(module, [known[tap] for tap in taps], batch, version)
        before = parts.preprocessing(before_backbone(prepared, config), port, config.crop, version)
        kept = merge.with_head(pose, behind, taps, path)
        whole = merge.with_preprocessing(kept, before, port, path)
        for model in (kept, whole):
            onnx.checker.check_model(model, full_check=True)
        return _Fused(network, before, whole, kept)

    @property
    def is_half_already(self) -> bool:
        """Whether the network came with float16 in it.

        Then all is left as it is: its maker has decided what rounds where, and in ONNX Runtime even another type
        behind a tap can change what is rounded before it.
        """
        return self.network.port.dtype == "float16" or precision_of(self.network.model) == "fp16"

    def halved(self, windows: Iterable[Window], spread: float) -> tuple["_Fused", Half]:
        """The graphs in float16 behind the crop, compared on these windows.

        Raises:
            InputError: a logit moves too far.
        """
        path, port = self.network.path, self.network.port
        half = flight.halve(self.kept, port.name, images(self.before, port, windows, path), spread, path)
        whole = merge.with_preprocessing(half.model, self.before, port, path)
        onnx.checker.check_model(whole, full_check=True)
        return dataclasses.replace(self, flight=whole, kept=half.model), half

    def facts(self) -> dict[str, str]:
        """What the manifest says of the network."""
        version = loading.opset(self.flight)
        return {
            "tap": ", ".join(self.network.taps),
            "pose_sha256": files.sha256(self.network.path),
            "opset": str(version),
            "opset_of_file": str(loading.opset(self.network.model)),
            "lowest_tensorrt": lowest_tensorrt(version),
            "pose_weights_bytes": str(weights_bytes(self.network.model)),
            "weights_bytes": str(weights_bytes(self.flight)),
        }

    def check(self, windows: list[Window]) -> None:
        """Raises:
        InputError: on one of these windows a pose output differs from the untouched network's on the same image.
        """
        path, port = self.network.path, self.network.port
        for window in windows:
            feed: dict[str, Array] = {"window": window.pixels[None], "box": window.region[None]}
            for optimised in (False, True):
                own = outputs_of(self.before, feed, path, optimised)
                own[port.name] = own.pop(parts.IMAGE)
                wanted = outputs_of(self.network.model, {port.name: own[port.name]}, path, optimised)
                rtol = OPTIMISED_RTOL if optimised else 0.0
                refuse_changed(wanted, outputs_of(self.kept, own, path, optimised), path, rtol)
                # ONNX Runtime hands the crop's image on to a float16 network without rounding it, optimised or not.
                rtol = HALF_RTOL if port.dtype == "float16" else rtol
                refuse_changed(wanted, outputs_of(self.flight, feed, path, optimised), path, rtol)
