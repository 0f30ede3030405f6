"""Which images a configuration asks for: decided before anything is drawn."""

import msgspec
import numpy as np

from train.synth import debris, satellites
from train.synth.body import DEBRIS
from train.synth.config import SynthConfig

STREAMS = {"train": 1, "val": 2, "val_debris": 3, "track": 4, "track_debris": 5, "order": 6}
"""Numbers that keep the random streams of the parts apart: no instance is in two parts."""


class Job(msgspec.Struct, frozen=True):
    """One image.

    Attributes:
        path: below the data set's folder, POSIX.
        stream: a key of `STREAMS`.
        index: the instance's number in its stream.
        kind: the satellite class or the kind of debris.
        frame: the frame's number in its track; None for a single image.
    """

    path: str
    stream: str
    index: int
    kind: str
    frame: int | None = None

    @property
    def label(self) -> str:
        """The class name of the label files."""
        return DEBRIS if self.stream.endswith("debris") else self.kind


def jobs(config: SynthConfig) -> list[Job]:
    """All images, in the order of the label files."""
    classes, kinds = list(satellites.CLASSES), list(debris.KINDS)
    train = [
        Job(f"train/img{i:06d}.jpg", "train", i, classes[i % len(classes)]) for i in range(config.train_satellites)
    ]
    val = [("val", i, classes[i % len(classes)]) for i in range(config.val_satellites)]
    val += [("val_debris", i, kinds[i % len(kinds)]) for i in range(config.val_debris)]
    order = np.random.default_rng([config.seed, STREAMS["order"]]).permutation(len(val))
    mixed = [Job(f"val/img{place:06d}.jpg", *val[i]) for place, i in enumerate(order)]
    return train + mixed + [job for name in tracks(config).values() for job in name]


def tracks(config: SynthConfig) -> dict[str, list[Job]]:
    """The frames of each track, by the track's name."""
    result: dict[str, list[Job]] = {}
    for stream, word, kinds, count in (
        ("track", "satellite", list(satellites.CLASSES), config.tracks.satellites),
        ("track_debris", "debris", list(debris.KINDS), config.tracks.debris),
    ):
        # The starting kind depends on the seed, or the tracks of every data set would be of the same classes.
        start = config.seed % len(kinds)
        for i in range(count):
            kind = kinds[(start + i) % len(kinds)]
            name = f"{word}_{i:02d}_{kind}"
            result[name] = [
                Job(f"tracks/{name}/frame_{f:04d}.jpg", stream, i, kind, f) for f in range(config.tracks.frames)
            ]
    return result
