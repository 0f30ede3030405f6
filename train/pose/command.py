"""Train the reference pose network and write what a user of one would have."""

import hashlib
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor

from onboard import files, provenance, strict_yaml
from onboard.errors import InputError
from train import lock
from train.backbones import lite
from train.backbones.trunk import Backbone, Normalisation
from train.pose import frames as reading
from train.pose import geometry
from train.pose.config import PoseConfig
from train.pose.export import write_onnx
from train.pose.frames import Frames
from train.pose.network import INPUT_PX, PoseNetwork, network_and_normalisation
from train.pose.training import normalise, train
from train.saving import save
from train.synth import config as synth_config
from train.synth.dataset import render

ONNX, TRUNK, RECORD, CHECKPOINT = "pose.onnx", "trunk.pt", "pose.yaml", "checkpoint.pt"


def pose(config: PoseConfig, out: Path) -> dict[str, Any]:
    """Render what is missing, train, measure, and write `pose.onnx`, `trunk.pt` and `pose.yaml` to `out`.

    Returns:
        The figures of the held-out tracks.

    Raises:
        InputError: the data, the weights or the folder cannot be used.
    """
    folder = render(synth_config.load(Path(config.synth)))
    tracks = reading.satellite_tracks(folder)
    if len(tracks) <= config.held_out_tracks:
        raise InputError(
            f"{folder}: {len(tracks)} satellite tracks, of which held_out_tracks: {config.held_out_tracks} leaves none "
            "to train on; lower it, or raise tracks.satellites in the data set's config"
        )
    data_sha256 = reading.digest(tracks)
    with lock.held(out, "pose network", wait=False):
        network, norm = network_and_normalisation(config.trunk, config.weights, config.seed)
        first, last = tracks[: -config.held_out_tracks], tracks[-config.held_out_tracks :]
        fit, held_out = reading.read(first, config.crop), reading.read(last, config.crop)
        identity = hashlib.sha256(f"{data_sha256}\n{strict_yaml.dump(config)}".encode()).hexdigest()
        losses = train(network, norm, fit, config, out / CHECKPOINT, identity)
        found = figures(network, norm, fit, held_out)
        write_onnx(network, out / ONNX, dynamic_batch=config.dynamic_batch)
        save(out / TRUNK, trunk_state(config.trunk, network.trunk))
        record = provenance.record(config.seed, data_sha256=data_sha256, config=config)
        counts = {"trained_on": len(fit.crops), "held_out": len(held_out.crops), "steps": len(losses)}
        about = {**_interface(config, norm), "frames": counts, "figures": found, "provenance": record}
        files.write_text(out / RECORD, strict_yaml.dump(about))
    return found


def figures(network: PoseNetwork, norm: Normalisation, fit: Frames, held_out: Frames) -> dict[str, Any]:
    """Median errors on held-out frames, beside those of predicting the training frames' mean pose."""
    with torch.inference_mode():
        parts = [network(normalise(crops, norm)) for crops in held_out.crops.split(32)]
    rotations, units = (torch.cat(values) for values in zip(*parts, strict=True))
    mean = geometry.mean_rotation(fit.rotations)[None]
    count = len(held_out.crops)
    return {
        "network": _errors(held_out, rotations, geometry.to_metres(units, held_out.views)),
        "mean_pose": _errors(held_out, mean, fit.translations_m.mean(0, keepdim=True)),
        "mean_pose_in_crop": _errors(
            held_out, mean, geometry.to_metres(fit.units.mean(0, keepdim=True).expand(count, 3), held_out.views)
        ),
    }


def _errors(truth: Frames, rotations: Tensor, metres: Tensor) -> dict[str, float]:
    distance = (metres - truth.translations_m).norm(dim=1)
    share = distance / truth.translations_m.norm(dim=1)
    return {
        "rotation_median_deg": round(geometry.angle_deg(truth.rotations, rotations).median().item(), 2),
        "translation_median_m": round(distance.median().item(), 3),
        "translation_median_share_of_distance": round(share.median().item(), 4),
    }


def trunk_state(name: str, trunk: Backbone) -> dict[str, Tensor]:
    """The trunk's weights under its library's names, as `backbone.weights` takes them; the classifier is zero."""
    lites = {f"efficientnet_lite{version}": version for version in (0, 1, 2)}
    with torch.random.fork_rng(devices=[]):
        model = lite.build(lites[name], "random")[0] if name in lites else torchvision.models.get_model(name)  # type: ignore[arg-type]
    names, values = list(model.state_dict()), list(trunk.state_dict().values())
    state = {key: torch.zeros_like(value) for key, value in model.state_dict().items()}
    return state | dict(zip(names, values, strict=False))  # both begin with the trunk, in one order


def _interface(config: PoseConfig, norm: Normalisation) -> dict[str, Any]:
    crop = config.crop
    return {
        "input": {
            "name": "image",
            "size_px": [INPUT_PX, INPUT_PX],
            "channels": "RGB",
            "layout": "batch, channel, row, column; float32",
            "mean": list(norm.mean),
            "std": list(norm.std),
            "scale": "(grey level 0..255 - mean) / std",
            "crop": {"margin": crop.margin, "aspect": crop.aspect, "padding": crop.padding},
        },
        "outputs": {
            "rotation": "unit quaternion w, x, y, z, either sign: p_camera = R p_body + t; x right, y down, z forward",
            "translation": "three numbers without unit: (u - u_crop) / side, (v - v_crop) / side, ln(z side / f)",
            "translation_means": "u, v: the body origin's pixel; u_crop, v_crop: the crop's middle; side: the crop's, "
            "in pixels; f: focal length in pixels; z: depth in metres",
        },
    }
