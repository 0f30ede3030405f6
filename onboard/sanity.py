"""Whether a frame can be believed, before any work on it: pure, cheap, and blind to what a box holds."""

import zlib
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from onboard.errors import unforeseen
from onboard.image import Frame

FAILED = "sanity_failed"
"""The reason of a refusal that says nothing of the frame."""
Level = Annotated[int, msgspec.Meta(ge=0, le=255)]
Side = Annotated[int, msgspec.Meta(ge=1, le=65536)]
_STEP = 16  # saturation is judged on every sixteenth row
_LOOK_ROWS, _LOOK_COLUMNS = 8, 128  # of a first look that clears most frames


class SanityConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When a frame is refused.

    Attributes:
        frame_size_px: the sizes, width and height, that are taken; empty: any.
        black_level: a frame whose brightest value is at most this shows nothing, not even noise. Dark space with one
            lit object is no black frame.
        white_level: a value from this on is saturated.
        white_share: a frame with more than this share of saturated values is refused; above the share that a sunlit
            Earth fills, for there an object before it may still be judged.
        frozen: refuse a frame whose pixels are those of the frame before it; false for drawn scenes, which can be.
        least_box_px: a box whose longer side is shorter gets no verdict. 8 px hold next to nothing; better is the size
            of the smallest objects that the bundle is calibrated on, for p-values are theirs.
    """

    frame_size_px: tuple[tuple[Side, Side], ...] = ()
    black_level: Level = 3
    white_level: Level = 250
    white_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    frozen: bool = True
    least_box_px: Annotated[float, msgspec.Meta(ge=0, le=65536)] = 8.0


class Refusal(msgspec.Struct, frozen=True):
    """Why a frame is REJECTED: a machine-readable reason, and a sentence."""

    reason: str
    detail: str


class Sanity:
    """Checks frame after frame of one source.

    Args:
        config: the limits.
    """

    def __init__(self, config: SanityConfig) -> None:
        self._config = config
        self._before: tuple[int, ...] | None = None
        self._white = np.empty((0, 0, 3), np.bool_)
        self._dark_values = bytes(range(config.black_level + 1))
        self._white_values = bytes(range(config.white_level, 256))

    def check(self, frame: Any, content: int | None = None) -> Refusal | None:
        """Judge a frame; None where nothing is wrong with it.

        Args:
            frame: should be uint8 RGB [H, W, 3].
            content: a checksum of its raw pixels where the source has one; it is computed otherwise. One source gives
                it for all frames or for none.

        Returns:
            A refusal with one of the reasons `frame_wrong_type`, `frame_wrong_size`, `frame_black`,
            `frame_saturated`, `frame_frozen`; or `FAILED`, where the check itself went wrong and nothing is known of
            the frame. Does not raise.
        """
        try:
            return self._check(frame, content)
        except Exception as error:  # a fault of the node, which must neither end a flight nor withhold a pose
            return Refusal(FAILED, unforeseen(error))

    def _check(self, frame: Any, content: int | None) -> Refusal | None:
        if (wrong := _wrong_type(frame)) is not None:
            return Refusal("frame_wrong_type", wrong)
        height, width = frame.shape[:2]
        sizes = self._config.frame_size_px
        if sizes and (width, height) not in sizes:
            allowed = ", ".join(f"{w} x {h}" for w, h in sizes)
            return Refusal("frame_wrong_size", f"{width} x {height} px; sanity.frame_size_px allows {allowed}")
        return self._frozen(frame, content) or self._dark_or_white(frame)

    def _frozen(self, frame: Frame, content: int | None) -> Refusal | None:
        if not self._config.frozen:
            return None
        before, self._before = self._before, (*frame.shape, profile(frame) if content is None else content)
        if before != self._before:
            return None
        return Refusal("frame_frozen", "its pixels are those of the frame before it, under a new id")

    def _dark_or_white(self, frame: Frame) -> Refusal | None:
        """A grid of pixels clears most frames: a frame is judged by all of it that counts where they do not.

        The grid is looked at as bytes: NumPy's reductions take ten times as long where their code is not in the cache.
        """
        height, width = frame.shape[:2]
        grid = frame[:: height // _LOOK_ROWS or 1, :: width // _LOOK_COLUMNS or 1].tobytes()
        if not grid.lstrip(self._dark_values) and int(frame.max()) <= self._config.black_level:
            return Refusal("frame_black", f"nothing in it is brighter than {self._config.black_level}")
        most, white = self._config.white_share, len(grid) - len(grid.translate(None, self._white_values))
        if white > most / 2 * len(grid) and (share := self._white_share(frame[::_STEP])) > most:
            return Refusal("frame_saturated", f"{share:.0%} of it is {self._config.white_level} or brighter")
        return None

    def _white_share(self, sample: Frame) -> float:
        if self._white.shape != sample.shape:
            self._white = np.empty(sample.shape, np.bool_)
        np.greater_equal(sample, self._config.white_level, out=self._white)
        return np.count_nonzero(self._white) / sample.size


def profile(frame: Frame) -> int:
    """A checksum of the sums of all rows and of all columns, several times faster than one of all pixels.

    It changes when anything moves, grows, or gets brighter. Frames that differ and have every sum alike can be drawn,
    not filmed.

    Args:
        frame: uint8 [H, W, 3], rows contiguous.
    """
    height, width = frame.shape[:2]
    rows = frame.reshape(height, 3 * width)
    whole = 3 * width // 8 * 8
    words: npt.NDArray[np.uint64] = rows[:, :whole].view(np.uint64)
    sums = (words.sum(0), words.sum(1), rows[:, whole:].sum(1, np.uint64), rows[:, whole:].sum(0, np.uint64))
    return zlib.crc32(b"".join(part.tobytes() for part in sums))


def _wrong_type(frame: Any) -> str | None:
    if not isinstance(frame, np.ndarray):
        return f"the frame is a {type(frame).__name__}, a NumPy array is needed"
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        return f"the frame is {frame.dtype} {list(frame.shape)}, uint8 RGB [H, W, 3] is needed"
    return None
