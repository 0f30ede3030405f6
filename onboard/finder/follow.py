"""The box of each frame: found, or predicted from the frames before it."""

from collections import OrderedDict
from typing import NamedTuple

from onboard.finder.boxes import Box, overlap
from onboard.finder.config import FinderConfig
from onboard.finder.find import Finder, Found
from onboard.finder.motion import Motion
from onboard.image import Frame

FINDER, TRACKER = "finder", "tracker"
_MOST_RUNS = 8
_CONFIRMED = 2


class Boxed(NamedTuple):
    """A box for a frame, or why there is none.

    Attributes:
        box: x_min, y_min, x_max, y_max in frame pixels, or None.
        source: `finder` where it was found in this frame, `tracker` where it was predicted; None without a box.
        why: a sentence where there is none.
    """

    box: Box | None
    source: str | None = None
    why: str = ""


class Boxes:
    """Finds and follows one object in each run.

    Args:
        config: of finder and tracks.
    """

    def __init__(self, config: FinderConfig) -> None:
        self._config, self._find = config, Finder(config)
        self._runs: OrderedDict[bytes, Follower] = OrderedDict()

    def __call__(self, run: bytes, frame_id: int, frame: Frame) -> Boxed:
        """The box in the next frame of a run, uint8 RGB [H, W, 3]."""
        if run not in self._runs and len(self._runs) >= _MOST_RUNS:
            self._runs.popitem(last=False)  # the one that was silent longest
        follower = self._runs.setdefault(run, Follower(self._config))
        self._runs.move_to_end(run)
        return follower.update(frame_id, self._find(frame))


class Follower:
    """One object of one run.

    Args:
        config: how long a track is bridged, and what continues it.
    """

    def __init__(self, config: FinderConfig) -> None:
        self._config = config
        self._motion: Motion | None = None
        self._last_id = self._missed = self._seen = 0

    def update(self, frame_id: int, found: Found) -> Boxed:
        """Take what was found in a frame.

        Ids that never came are frames in which nothing was found; a frame that comes after a later one is judged alone.
        """
        if self._motion is not None and frame_id > self._last_id:
            ahead = frame_id - self._last_id
            self._last_id = frame_id
            self._missed += ahead - 1
            if self._missed > self._config.bridge_frames:
                self._motion = None
            else:
                return self._continued(self._motion, self._motion.predict(ahead), found)
        if self._motion is None:
            return self._started(frame_id, found)
        return _strongest(found)

    def _continued(self, motion: Motion, expected: Box, found: Found) -> Boxed:
        nearest = max(found.boxes, key=lambda box: overlap(box, expected), default=None)
        if nearest is not None and overlap(nearest, expected) >= self._config.overlap:
            motion.correct(nearest)
            self._missed, self._seen = 0, self._seen + 1
            return Boxed(nearest, FINDER)
        self._missed += 1
        if self._seen < _CONFIRMED or self._missed > self._config.bridge_frames:
            return self._started(self._last_id, found)
        return Boxed(expected, TRACKER)

    def _started(self, frame_id: int, found: Found) -> Boxed:
        """A new track, where there is something to follow."""
        self._motion = Motion(found.boxes[0]) if found.boxes else None
        self._last_id, self._missed, self._seen = frame_id, 0, 1
        return _strongest(found)


def _strongest(found: Found) -> Boxed:
    return Boxed(found.boxes[0], FINDER) if found.boxes else Boxed(None, why=found.why)
