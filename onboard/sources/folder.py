"""A folder of images as a source."""

import time
import uuid
from pathlib import Path

from onboard import image
from onboard.config import Source as FolderOfFrames
from onboard.errors import InputError
from onboard.messages import Status
from onboard.replay import Item, items, items_without_boxes
from onboard.sources.config import FolderConfig
from onboard.sources.pace import Pace
from onboard.sources.source import SUPERSEDED, Settled, SourceFrame, Taken


class FolderSource:
    """Replays the images of a folder, once.

    Args:
        config: the folder, its boxes and the rate.

    Raises:
        InputError: the folder or its boxes cannot be used; see `onboard.replay.items`.
    """

    def __init__(self, config: FolderConfig) -> None:
        self._config = config
        if isinstance(config.boxes, bool):  # false; the configuration refuses true
            self._items = items_without_boxes(Path(config.folder))
        else:
            self._items = items(FolderOfFrames(config.folder, config.boxes, grey=config.grey))
        self._run = uuid.uuid4().bytes
        self._pace = Pace(config.rate_hz)
        self._next = 0

    @property
    def ended(self) -> bool:
        return self._next >= len(self._items)

    def take(self, timeout_s: float) -> Taken:
        if self.ended:
            return Taken()
        newest = self._pace.newest_due(self._next, len(self._items) - 1, timeout_s)
        if newest is None:
            return Taken()
        passed = [self._settled(n, Status.SKIPPED, SUPERSEDED) for n in range(self._next, newest)]
        self._next = newest + 1
        return Taken((*passed, self._read(newest, self._items[newest])))

    def close(self) -> None:
        self._next = len(self._items)

    def _read(self, n: int, item: Item) -> SourceFrame | Settled:
        try:
            pixels = image.read(Path(item.path), self._config.grey)
        except InputError as error:
            missing = isinstance(error.__cause__, FileNotFoundError)
            return self._settled(n, Status.REJECTED, "frame_missing" if missing else "frame_unusable", str(error))
        due = self._pace.due_ns(n)
        return SourceFrame(
            self._run, n, item.name, due, due, time.monotonic_ns(), pixels, item.box, "sidecar" if item.box else None
        )

    def _settled(self, n: int, status: Status, reason: str, detail: str | None = None) -> Settled:
        return Settled(self._run, n, self._items[n].name, status, reason, detail)
