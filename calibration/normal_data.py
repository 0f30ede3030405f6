"""The normal frames that a command reads, and what it leaves out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration import frames as reading
from calibration import normal, scoring
from calibration.frames import LabelledFrame
from onboard import provenance
from onboard.bundle import Bundle
from onboard.image import Grey


@dataclass(frozen=True)
class NormalData:
    """Which frames are read, and how.

    Attributes:
        data: folder (see `frames.read`).
        part: of a data set; None: all.
        debris: names of the debris classes; None: see `normal.debris_classes`.
        ignore_debris: leave debris out instead of refusing the data.
        skip_fitted: leave images that the head was fitted on out instead of refusing the data.
        grey: what to do with one-channel images.
        seed: of the draw that keeps frames back.
        kept_back: share of the frames that this calibration leaves to quantising, clamping and selecting.
        cache: folder of the scores.
    """

    data: Path
    part: str | None
    debris: tuple[str, ...] | None
    ignore_debris: bool
    skip_fitted: bool
    grey: Grey
    seed: int
    kept_back: float
    cache: Path


@dataclass(frozen=True)
class Normals:
    """Frames that calibration may use, none twice.

    Attributes:
        frames: with the SHA-256 of their files.
        left_out: how many were left out, by reason.
    """

    frames: list[tuple[str, LabelledFrame]]
    left_out: Counter[str]


def read_normals(bundle: Bundle, options: NormalData) -> Normals:
    """Read normal frames that the head was not fitted on.

    Raises:
        InputError: the data cannot be read, or hold what they must not (see `normal`).
    """
    found = reading.read(options.data, options.part)
    names = normal.debris_classes(bundle, options.debris)
    clean = normal.without_debris(options.data, found, lambda f: f.label, names, options.ignore_debris, "frames")
    pairs = scoring.hashed(clean)
    once = list({(digest, frame.box): (digest, frame) for digest, frame in pairs}.values())
    fresh = normal.without_fitted(bundle, options.data, once, options.skip_fitted)
    left = Counter(debris=len(found) - len(clean), twice=len(pairs) - len(once), fitted=len(once) - len(fresh))
    return Normals(fresh, left)


def depends_on(
    bundle: Bundle, frames: Sequence[tuple[str, LabelledFrame]], options: NormalData, settings: dict[str, Any]
) -> dict[str, Any]:
    """All that the steps of a command depend on: its own settings, and what every command reads; see `Journal`."""
    return {
        "bundle": bundle.sha256,
        "frames": [f"{digest}\t{frame.box}" for digest, frame in frames],  # in this order
        "grey": options.grey,
        "seed": options.seed,
        "kept_back": options.kept_back,
        "settings": settings,
        "versions": provenance.versions(),
    }
