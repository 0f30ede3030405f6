"""Every frame through the detector, once."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from calibration.frames import LabelledFrame
from calibration.score_cache import Score, ScoreCache, key
from onboard import files, image
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.image import Frame, Grey
from onboard.replay import Box

Disturb = Callable[[Frame, Box, str], tuple[Frame, Box]]
"""Changes a frame and its box; the text seeds what is random in it."""
Move = Callable[[Box, tuple[int, int]], Box]
"""Where a box lies then, in a frame of that width and height."""


@dataclass(frozen=True)
class Shift:
    """A disturbance by name; None leaves frames as they are, or boxes where they lie."""

    name: str
    disturb: Disturb | None
    move: Move | None = None

    def box(self, box: Box, frame_px: tuple[int, int]) -> Box:
        """The box as the disturbed frame has it; cached scores hold no pixels to disturb."""
        return box if self.move is None else self.move(box, frame_px)


RAW = Shift("raw", None)


def hashed(frames: Sequence[LabelledFrame]) -> list[tuple[str, LabelledFrame]]:
    """Each frame with its file's SHA-256.

    Raises:
        InputError: a file cannot be read.
    """
    pairs = []
    for frame in tqdm(frames, desc="hashing", unit="frame", disable=None, leave=False):
        try:
            pairs.append((files.sha256(frame.path), frame))
        except OSError as error:
            raise InputError(f"{frame.path}: cannot be read ({error.strerror})") from error
    return pairs


def score(
    detector: Detector,
    frames: Sequence[tuple[str, LabelledFrame]],
    cache: ScoreCache,
    grey: Grey = "refuse",
    shift: Shift = RAW,
) -> list[Score]:
    """Score frames, those from the cache without reading them again.

    Args:
        detector: loaded from the bundle that the cache is for.
        frames: with their SHA-256 and a box.
        cache: gets the new scores.
        grey: what to do with one-channel images.
        shift: applied to every frame first.

    Returns:
        One for each frame, in order; `score` is None where the detector rejected it.

    Raises:
        InputError: an image cannot be decoded, or the frames have several sizes.
    """
    found: list[Score] = []
    with tqdm(total=len(frames), desc=f"scoring ({shift.name})", unit="frame", disable=None, leave=False) as bar:
        for digest, frame in frames:
            found.append(_one(detector, digest, frame, cache, grey, shift))
            if found[-1].frame_px != found[0].frame_px:
                (w0, h0), (w1, h1) = found[0].frame_px, found[-1].frame_px
                raise InputError(
                    f"{frame.path}: {w1} x {h1} px, but {frames[0][1].path} is {w0} x {h0} px; one camera has one "
                    "frame size: calibrate on frames of the size that will fly"
                )
            bar.update()
    return found


def _one(detector: Detector, digest: str, frame: LabelledFrame, cache: ScoreCache, grey: Grey, shift: Shift) -> Score:
    if frame.box is None:
        raise InputError(f"{frame.path}: the boxes' file has no row for this frame; add one, or remove the image")
    name = key(digest, frame.box, shift.name, grey)
    if (known := cache.get(name)) is not None:
        return known
    try:
        data = frame.path.read_bytes()
    except OSError as error:
        raise InputError(f"{frame.path}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise InputError(f"{frame.path}: changed while it was read; start again")
    pixels, box = image.decode(data, str(frame.path), grey), frame.box
    frame_px = (pixels.shape[1], pixels.shape[0])
    if shift.disturb is not None:
        pixels, box = shift.disturb(pixels, box, digest)
    answer = detector(pixels, box)
    if answer.reason == "inference_failed":
        raise InputError(f"{frame.path}: {answer.detail}")
    made = Score(name, answer.anomaly_score, answer.reason, frame_px)
    cache.add(made)
    return made
