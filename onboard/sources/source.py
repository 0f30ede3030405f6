"""What the loop sees of every source."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from onboard.event import Event
from onboard.image import Frame
from onboard.messages import Status
from onboard.wire.frame import Box, Header

SUPERSEDED, OVERWRITTEN = "superseded", "overwritten"


class Flaw(NamedTuple):
    """Why a frame's pixels cannot be believed after all: how it ends instead."""

    status: Status
    reason: str
    detail: str


def _none() -> Flaw | None:
    return None


class SourceFrame(msgspec.Struct, frozen=True):
    """A frame to work on.

    Attributes:
        run: 16 bytes; with `frame_id` it names the frame.
        frame_id: one more for each exposure of a run.
        name: for people: a file's name, or the source's and the id.
        exposure_start_ns, exposure_end_ns: the source's monotonic clock; equal where only one time is known.
        arrived_ns: this process's monotonic clock.
        pixels: uint8 RGB [H, W, 3]; valid until the source's next `take`.
        box: x_min, y_min, x_max, y_max in frame pixels, or None.
        box_source: who made the box, or None without one.
        content: CRC32 of the raw pixels as the sender tells it, for `onboard.sanity`; None where it tells none.
        sent_ns: when the sender sent it, by the source's monotonic clock; None where nobody says.
        flaw: to be asked when all work on the pixels is done, before the verdict: what is wrong with them, or None. It
            waits for their checksum, which is computed beside that work, and knows whether a ring's writer wrote over
            them meanwhile.
    """

    run: bytes
    frame_id: int
    name: str
    exposure_start_ns: int
    exposure_end_ns: int
    arrived_ns: int
    pixels: Frame
    box: Box | None = None
    box_source: str | None = None
    content: int | None = None
    sent_ns: int | None = None
    flaw: Callable[[], Flaw | None] = _none


def called(run: bytes, frame_id: int) -> str:
    """The name of a frame that has no file."""
    return f"{run.hex()[:8]}/{frame_id}"


def framed(header: Header, arrived_ns: int, pixels: Frame, flaw: Callable[[], Flaw | None] = _none) -> SourceFrame:
    """A frame as its message describes it."""
    return SourceFrame(
        header.run,
        header.frame_id,
        called(header.run, header.frame_id),
        header.exposure_start_ns,
        header.exposure_end_ns,
        arrived_ns,
        pixels,
        header.box,
        None if header.box is None else header.box_source,
        header.payload_crc32 or None,  # a ring's writer that computes none leaves 0
        header.sent_ns,
        flaw,
    )


class Settled(msgspec.Struct, frozen=True):
    """A frame that arrived and needs no work: its records and its verdict only.

    Attributes:
        status: SKIPPED or REJECTED.
        reason: such as `superseded` or `wire_payload_crc`.
        detail: a sentence for a person, or None.
    """

    run: bytes
    frame_id: int
    name: str
    status: Status
    reason: str
    detail: str | None = None


class Taken(msgspec.Struct, frozen=True):
    """What a source gave: every frame that arrived since, in the order of arrival, at most one of them to work on.

    Attributes:
        items: each goes to `Journal.begin` first, in this order.
        events: of the source itself: `source_lost`, `source_back`, `gap`, `garbage`.
    """

    items: tuple[SourceFrame | Settled, ...] = ()
    events: tuple[Event, ...] = ()


class Source(Protocol):
    """Gives frames, the newest first; it never raises once it is open, and never waits longer than it is told."""

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more; live sources never end."""

    def take(self, timeout_s: float) -> Taken:
        """Everything that has arrived; where that is nothing, what arrives first within `timeout_s`."""

    def close(self) -> None:
        """Let go of the device, socket or file."""
