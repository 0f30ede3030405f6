"""One frame's way from its exposure to its verdict, in parts that add up to the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hil_tests.bench.history import Sent, Told

NODE_STAGES = ("read", "find", "window", "infer", "total")


@dataclass(frozen=True)
class Frame:
    """Milliseconds; no clock of another host is needed.

    Attributes:
        window: name of its window size, where that is known.
        camera: from the exposure's start until the bench sent it: exposure, transport, the bench's own lateness.
        read, find, window_ms, infer, total: as the node's verdict has them; `total` is from arrival to verdict.
        link: from sending to the verdict's arrival less `total`: both ways, waiting, record, sending.
        end_to_end: from the exposure's start until the verdict was here; camera + total + link.
    """

    window: str | None
    camera: float
    read: float
    find: float
    window_ms: float
    infer: float
    total: float
    link: float
    end_to_end: float


@dataclass
class NodeTimes:
    """Of one condition.

    Attributes:
        starts: the answered frames, by process of the node.
        sent: frames, answered or not.
        ready_s: from each process's start until it said that it flies; empty where it flew before.
    """

    starts: list[list[Frame]] = field(default_factory=list)
    sent: int = 0
    ready_s: list[float] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        return [frame for each in self.starts for frame in each]

    def of(self, stage: str, window: str | None = None) -> list[float]:
        """A part's milliseconds of all frames, or of those with one window size."""
        name = "window_ms" if stage == "window" else stage
        return [getattr(frame, name) for frame in self.frames if window in (None, frame.window)]


def answered(sent: Sequence[Sent], told: Sequence[Told], windows: Mapping[int, str]) -> list[Frame]:
    """The frames that were answered, in the order of their ids.

    Args:
        sent, told: a run's.
        windows: name of the window size by picture, as far as known.
    """
    first: dict[int, Told] = {}
    for each in told:
        first.setdefault(each.frame_id, each)
    return [
        _frame(note, first[note.frame_id], windows.get(note.picture))
        for note in sent
        if note.frame_id in first and first[note.frame_id].status == "ANSWERED"
    ]


def _frame(note: Sent, told: Told, window: str | None) -> Frame:
    stages = told.stage_ns
    assert stages is not None
    whole, camera = told.received_ns - note.exposure_start_ns, note.sent_ns - note.exposure_start_ns
    link = whole - camera - stages.total
    numbers = (camera, stages.read, stages.find, stages.window, stages.infer, stages.total, link, whole)
    return Frame(window, *(ns / 1e6 for ns in numbers))
