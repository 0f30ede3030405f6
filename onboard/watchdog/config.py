"""How long each part of a node may take to answer."""

from typing import Annotated

import msgspec

Limit = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class WatchdogConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When a part counts as late, and when as hung.

    Attributes:
        period_s: how often the parts are asked; a quarter of the unit's WatchdogSec where that is less.
        loop_s: for one turn: longer than one inference; engines are loaded beside the loop.
        source_s: for the camera's thread; OpenCV itself waits 10 s for a camera.
        storage_s: for the thread that writes verdicts, events and the summary.
        archive_s: for the thread that writes the journal's archive.
        others_s: for any other part; also for one load of an engine, and from one round of attempts to the next where
            none could be loaded.
        hung_after: askings in a row without an answer in time, from which on a late part is told as hung.
    """

    period_s: Annotated[float, msgspec.Meta(ge=0.01, le=60)] = 0.5
    loop_s: Limit = 15.0
    source_s: Limit = 30.0
    storage_s: Limit = 30.0
    archive_s: Limit = 60.0
    others_s: Limit = 30.0
    hung_after: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 6

    def limit_s(self, part: str) -> float:
        """The limit of a part by its name."""
        limits = {"loop": self.loop_s, "source": self.source_s, "storage": self.storage_s, "archive": self.archive_s}
        return limits.get(part, self.others_s)
