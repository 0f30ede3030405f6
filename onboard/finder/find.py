"""A bright object before dark space, in one frame. Knows nothing of other frames."""

from typing import NamedTuple

from onboard.finder.boxes import Box
from onboard.finder.config import FinderConfig
from onboard.finder.parts import bright_parts, objects, without_glow
from onboard.finder.reduced import Reduced
from onboard.image import Frame


class Found(NamedTuple):
    """What a frame shows.

    Attributes:
        boxes: in frame pixels: the object with the most light first, then its rivals; empty where there is none.
        why: a sentence on why there is none; empty where there is one.
    """

    boxes: tuple[Box, ...]
    why: str = ""


class Finder:
    """Finds objects.

    Args:
        config: sizes and thresholds.
    """

    def __init__(self, config: FinderConfig) -> None:
        self._config = config
        self._size = (0, 0)
        self._reduced: Reduced | None = None

    def prepare(self, height: int, width: int) -> Reduced:
        """The buffers for frames of this size: made when the size is new, which for most cameras is once."""
        if self._reduced is None or (height, width) != self._size:
            self._size = height, width
            self._reduced = Reduced(height, width, self._config.side_px)
        return self._reduced

    def __call__(self, frame: Frame) -> Found:
        """Look at a frame, uint8 RGB [H, W, 3]; a grey camera's has three channels alike."""
        reduced = self.prepare(*frame.shape[:2])
        reduced.take(frame)
        level, sigma = reduced.background()
        threshold = level + max(self._config.noise_sigmas * sigma, self._config.least_levels)
        parts, small, limbs = bright_parts(reduced, threshold, level, self._config)
        if not parts:
            limb = f", and {limbs} like the Earth's limb" if limbs else ""
            return Found((), f"nothing like an object: {small} specks above level {threshold:.1f}{limb}")
        whole = objects(parts, self._config.join)
        strongest = max(each.light for each in whole)
        rivals = sorted(
            (each for each in whole if each.light >= self._config.rival * strongest), key=lambda e: -e.light
        )
        tight = (without_glow(each.box, reduced, threshold, level, self._config.glow) for each in rivals)
        across, down = reduced.scale
        return Found(tuple((x * across, y * down, right * across, low * down) for x, y, right, low in tight))
