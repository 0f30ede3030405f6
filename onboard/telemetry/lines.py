"""Packets, gaps, restarts and garbage as lines of JSON."""

from collections.abc import Iterator
from typing import Any

from onboard.telemetry.contents import Contents
from onboard.telemetry.reading import Garbage, packets


class Gaps:
    """Looks at sequence counts, of each APID by itself."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self.missing = 0

    def missing_before(self, apid: int, sequence: int, restarted: bool) -> int:
        """Packets that are missing before this one, where fewer than 16384 in a row are; 0 at a restart."""
        last = self._last.get(apid)
        self._last[apid] = sequence
        found = 0 if last is None or restarted else (sequence - last - 1) & 0x3FFF
        self.missing += found
        return found


def lines(data: bytes | memoryview, verdict_service: int) -> Iterator[dict[str, Any]]:
    """A JSON object for each packet, gap in the sequence counts, start of a node, and stretch of garbage."""
    gaps, contents = Gaps(), Contents(verdict_service)
    for found in packets(data):
        if isinstance(found, Garbage):
            yield {"kind": "garbage", **found._asdict()}
            continue
        told = contents.of(found)
        restarted = told.get("kind") == "node" and bool(told.get("first"))
        if restarted:
            yield {"kind": "start", "apid": found.apid}
        if missing := gaps.missing_before(found.apid, found.sequence, restarted):
            yield {"kind": "gap", "apid": found.apid, "before": found.sequence, "missing": missing}
        head = {name: value for name, value in found._asdict().items() if name not in ("data", "time")}
        yield {**head, **found.time, **told}
