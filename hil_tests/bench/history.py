"""What happened to each frame: what the bench sent, what the node recorded, what verdicts arrived."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from onboard.messages import StageTimes

End = tuple[str, str | None]
"""A status and its reason."""


class Sent(msgspec.Struct):
    """What the bench did with one frame.

    Attributes:
        frame_id: in the campaign's run.
        picture: its place among the data's pictures.
        fault: the fault's kind, or None.
        exposure_start_ns: the bench's monotonic clock, before any fault.
        due_ns: when it was to be sent.
        sent_ns: when it was; 0 where it never was.
        handed_over: messages that ZeroMQ took.
        refused: messages that ZeroMQ had no room for.
        is_frame: whether its header was left sound, so that a receiver can know the frame.
    """

    frame_id: int
    picture: int
    fault: str | None
    exposure_start_ns: int
    due_ns: int = 0
    sent_ns: int = 0
    handed_over: int = 0
    refused: int = 0
    is_frame: bool = True


class Record(msgspec.Struct, frozen=True):
    """A line of `python -m onboard journal --records`; fields that are not needed here are passed over."""

    run: str
    frame_id: int
    status: str | None
    reason: str | None
    sequence: int = 0


class Told(msgspec.Struct, frozen=True):
    """A verdict that arrived.

    Attributes:
        received_ns: the bench's monotonic clock.
        score: anomaly score, or None.
        is_debris: the node's decision, or None.
        bundle: SHA-256 of the bundle that it was made with.
        stage_ns: the node's own times.
    """

    frame_id: int
    received_ns: int
    status: str
    reason: str | None
    score: float | None
    is_debris: bool | None
    bundle: str
    stage_ns: StageTimes | None = None


class History:
    """Records and verdicts by frame.

    Args:
        records: the node's; None: they could not be had, and verdicts stand in for them.
        verdicts: all that arrived.
    """

    def __init__(self, records: Iterable[Record] | None, verdicts: Iterable[Told]) -> None:
        self.verdicts: defaultdict[int, list[Told]] = defaultdict(list)
        for told in verdicts:
            self.verdicts[told.frame_id].append(told)
        self.has_journal, self.records = records is not None, list(records or ())
        self._ends: defaultdict[int, list[tuple[str | None, str | None]]] = defaultdict(list)
        for record in self.records:
            self._ends[record.frame_id].append((record.status, record.reason))
        if records is None:
            for frame_id, found in self.verdicts.items():
                self._ends[frame_id] += [(told.status, told.reason) for told in found]

    def ends(self, frame_id: int) -> list[tuple[str, str | None]]:
        """The frame's ends; one is OPEN where it has none yet."""
        return [(status or "OPEN", reason) for status, reason in self._ends.get(frame_id, [])]

    def recorded(self) -> list[int]:
        return sorted(self._ends)
