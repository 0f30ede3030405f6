"""The frames that flips are judged on, and the bundle's known answers, as the graph takes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard import image, replay
from onboard.bundle import Bundle
from onboard.config import Source
from onboard.errors import InputError
from onboard.image import Grey
from onboard.normal_scores import Box
from onboard.window import BoxError, Window, cut

Feed = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class FrameChoice:
    """Which frames.

    Attributes:
        folder: of the frames.
        boxes: CSV of their boxes; None: `boxes.csv` in the folder.
        count: how many, drawn by the seed.
        seed: of the draw.
        grey: what to do with one-channel images.
    """

    folder: Path
    boxes: Path | None
    count: int
    seed: int
    grey: Grey = "refuse"


@dataclass(frozen=True)
class Shot:
    """One window: what goes in, and whose box it shows."""

    name: str
    box: Box
    window: Window

    def feed(self) -> Feed:
        """As the graph takes it."""
        return {"window": self.window.pixels[None], "box": self.window.region[None]}


def shots(bundle: Bundle, choice: FrameChoice) -> list[Shot]:
    """Frames that give a window, in the order of their names.

    Raises:
        InputError: the folder holds fewer, or one cannot be read.
    """
    boxes = None if choice.boxes is None else str(choice.boxes)
    items = [item for item in replay.items(Source(folder=str(choice.folder), boxes=boxes)) if item.box is not None]
    found: list[Shot] = []
    for place in np.random.default_rng(choice.seed).permutation(len(items)):
        if len(found) == choice.count:
            break
        item = items[int(place)]
        assert item.box is not None
        try:
            data = item.path.read_bytes()
        except OSError as error:
            raise InputError(f"{item.path}: cannot be read ({error.strerror}); remove its row, or add it") from error
        try:
            window = cut(image.decode(data, str(item.path), choice.grey), item.box, bundle.manifest.crop)
        except BoxError:
            continue
        found.append(Shot(item.name, item.box, window))
    if len(found) < choice.count:
        raise InputError(
            f"{choice.folder}: {len(found)} frames give a window, {choice.count} are asked for; give --frames "
            f"{max(len(found), 1)} or more frames"
        )
    return sorted(found, key=lambda shot: shot.name)


def known_answers(bundle: Bundle) -> list[Shot]:
    """The manifest's windows; their boxes mean nothing."""
    return [
        Shot(
            known.window,
            (0.0, 0.0, 0.0, 0.0),
            Window(
                image.decode(bundle.contents[known.window], str(bundle.folder / known.window)),
                np.array(known.region, np.float32),
            ),
        )
        for known in bundle.manifest.known_answers
    ]
