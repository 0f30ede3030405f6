"""Crops of tracks with their poses."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from onboard import files, image, strict_yaml, window
from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from train.crop import Crop
from train.pose.geometry import to_units


@dataclass(frozen=True)
class Frames:
    """N frames.

    Attributes:
        crops: uint8 N x 3 x 224 x 224, RGB.
        rotations: unit quaternions w, x, y, z, body to camera, N x 4.
        translations_m: N x 3, in the camera's frame.
        views: each crop's middle and side in pixels from the principal point, and the focal length in pixels, N x 4.
    """

    crops: Tensor
    rotations: Tensor
    translations_m: Tensor
    views: Tensor

    @property
    def units(self) -> Tensor:
        """The translations in the network's own units, N x 3."""
        return to_units(self.translations_m, self.views)


def satellite_tracks(folder: Path) -> list[Path]:
    """The folders of a synthetic data set's satellite tracks, in their order.

    Raises:
        InputError: there are none.
    """
    found = sorted((folder / "tracks").glob("satellite_*"), key=lambda track: int(track.name.split("_")[1]))
    if not found:
        raise InputError(f"{folder}: no satellite tracks; set tracks.satellites in its config and render it again")
    return found


def digest(tracks: list[Path]) -> str:
    """SHA-256 over the names and contents of the tracks' files."""
    total = hashlib.sha256()
    for path in (path for track in tracks for path in sorted(track.iterdir())):
        total.update(f"{path.parent.name}/{path.name} {files.sha256(path)};".encode())
    return total.hexdigest()


def read(tracks: list[Path], spec: CropSpec) -> Frames:
    """Cut the crops of all frames.

    Raises:
        InputError: a track's file is missing or damaged.
    """
    crop = Crop(spec, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    crops, poses, views = [], [], []
    for track in tqdm(tracks, desc="crops", unit="track", disable=None):
        camera = strict_yaml.parse((track / "track.yaml").read_text(encoding="utf-8"), str(track))["camera"]
        for row, pose in zip(_table(track / "boxes.csv"), _table(track / "poses.csv"), strict=True):
            x0, y0, x1, y1 = (float(row[name]) for name in ("x_min", "y_min", "x_max", "y_max"))
            cut = window.cut(image.read(track / row["filename"]), (x0, y0, x1, y1), spec)
            pixels = crop(torch.from_numpy(cut.pixels)[None], torch.from_numpy(cut.region)[None])
            crops.append(pixels[0].round().to(torch.uint8))
            poses.append([float(pose[name]) for name in ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")])
            middle = (x0 + x1) / 2 - camera["cx_px"], (y0 + y1) / 2 - camera["cy_px"]
            views.append([*middle, float(cut.region[2] - cut.region[0]), camera["fx_px"]])
    numbers = torch.from_numpy(np.array(poses, np.float32))
    return Frames(torch.stack(crops), numbers[:, :4], numbers[:, 4:], torch.tensor(views))


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); render the data set again") from error
