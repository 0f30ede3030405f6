"""How the node looks after itself: the `health` part of its configuration."""

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=31_536_000)]


class HealthConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is looked at, and how often.

    Attributes:
        scrub_bytes: that are read from storage at a time, for their hash.
        scrub_period_s: for one pass over all files of bundle and engine; null: they are not read again.
        known_answer_s: how often the running engine is asked one of its known answers; null: never.
        reload_s: how often the engine is loaded anew from its files and takes the running one's place; null: never.
        sensors: root of the kernel's sensors, for the summary; null: none are read.
    """

    scrub_bytes: Annotated[int, msgspec.Meta(ge=4096, le=1 << 30, multiple_of=4096)] = 65536
    scrub_period_s: Seconds | None = 600
    known_answer_s: Seconds | None = 10
    reload_s: Seconds | None = None
    sensors: str | None = "/sys"
