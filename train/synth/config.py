"""The configuration of a synthetic data set: one YAML file is one data set."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from onboard import strict_yaml

RENDERER_VERSION = 1
"""Raised when a configuration gives other images than before, so that old folders are not mixed with new."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


def _check_order(low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"min ({low}) is greater than max ({high}); swap them")


class Fractions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A range of lengths as fractions of the image's side."""

    min: Annotated[float, msgspec.Meta(ge=0.05, le=0.8)]
    max: Annotated[float, msgspec.Meta(ge=0.05, le=0.8)]

    def __post_init__(self) -> None:
        _check_order(self.min, self.max)


class Levels(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A range of grey levels of an 8-bit image."""

    min: Annotated[float, msgspec.Meta(ge=0, le=128)]
    max: Annotated[float, msgspec.Meta(ge=0, le=128)]

    def __post_init__(self) -> None:
        _check_order(self.min, self.max)


class Pixels(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A range of lengths in pixels."""

    min: Annotated[float, msgspec.Meta(ge=0, le=8)]
    max: Annotated[float, msgspec.Meta(ge=0, le=8)]

    def __post_init__(self) -> None:
        _check_order(self.min, self.max)


class Tracks(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Image sequences of one tumbling object each.

    Attributes:
        satellites: the number of tracks of satellites.
        debris: the number of tracks of debris.
        frames: the number of frames of each track.
        frame_period_ms: the time from one frame to the next.
    """

    satellites: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 2
    debris: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 2
    frames: Annotated[int, msgspec.Meta(ge=30, le=120)] = 60
    frame_period_ms: Annotated[int, msgspec.Meta(ge=10, le=10_000)] = 100


class SynthConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What `python -m train synth` renders.

    Attributes:
        out: the folder to write to, created if absent.
        seed: the same seed and configuration give the same bytes, with any number of workers.
        image_px: the side of the square images.
        train_satellites, val_satellites, val_debris: images in all, spread over the classes (or kinds).
        tracks: image sequences.
        box_side: the square root of a bounding box's area, over the image's side.
        brightness_levels: the mean of the image inside the box, above the black level.
        black_level_levels: what an unlit pixel reads.
        read_noise_levels: standard deviation of the noise that does not depend on light.
        shot_noise_levels: standard deviation at full scale of the noise that grows with light.
        blur_px: standard deviation of the optics' point spread.
        earth_probability: the share of images with the Earth's limb in the background.
        border_probability: the share of images whose object crosses the image's border.
        jpeg_quality: OpenCV's JPEG quality.
        workers: processes; does not change the result.
    """

    out: Annotated[str, msgspec.Meta(min_length=1)]
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 1
    image_px: Annotated[int, msgspec.Meta(ge=128, le=1024)] = 512
    train_satellites: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 600
    val_satellites: Count = 300
    val_debris: Count = 300
    tracks: Tracks = Tracks()
    box_side: Fractions = Fractions(0.12, 0.68)
    brightness_levels: Levels = Levels(3, 40)
    black_level_levels: Levels = Levels(16, 38)
    read_noise_levels: Levels = Levels(1, 4)
    shot_noise_levels: Levels = Levels(1, 6)
    blur_px: Pixels = Pixels(0.35, 0.9)
    earth_probability: Probability = 0.15
    border_probability: Probability = 0.08
    jpeg_quality: Annotated[int, msgspec.Meta(ge=30, le=100)] = 92
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 2

    def decisive(self) -> dict[str, Any]:
        """All that decides the images' bytes: not the folder, not the number of workers."""
        # Decoded once more, so that 1 and 1.0 are one.
        same = msgspec.convert(msgspec.to_builtins(self), SynthConfig)
        return {k: v for k, v in msgspec.to_builtins(same).items() if k not in ("out", "workers")}

    def fingerprint(self) -> str:
        """SHA-256 over the renderer's version and all that decides the images' bytes."""
        text = f"{RENDERER_VERSION}\n{strict_yaml.dump(self.decisive())}"
        return hashlib.sha256(text.encode()).hexdigest()


def load(path: Path) -> SynthConfig:
    """Read a configuration file.

    Raises:
        InputError: the file is missing or does not fit `SynthConfig`.
    """
    return strict_yaml.load(path, SynthConfig)
