"""What each fault does to a frame on its way: pixels, box, times, bytes, and when it is sent."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace as altered

from hil_tests.bench.plan import FaultPlan, Injection
from onboard.wire import Header, encode

Draw = np.random.Generator


@dataclass(frozen=True)
class Outgoing:
    """A frame that is about to be sent.

    Attributes:
        header, payload: as the camera made them; what a fault changes is changed here.
        delay_ms: sent so much later than it would have been.
        copies: how often it is sent: 0 for a lost one.
        cut_header, cut_payload: bytes that are cut off.
        flip_header, flip_payload: places whose bits are turned after the checksums were made.
    """

    header: Header
    payload: bytes
    delay_ms: float = 0.0
    copies: int = 1
    cut_header: int = 0
    cut_payload: int = 0
    flip_header: tuple[int, ...] = ()
    flip_payload: tuple[int, ...] = ()

    @property
    def is_frame(self) -> bool:
        """Whether a receiver can know which frame it is."""
        return not self.cut_header and not self.flip_header

    def parts(self) -> tuple[bytes, bytes]:
        """The two parts of the ZeroMQ message."""
        head = _flipped(encode(self.header), self.flip_header)
        payload = _flipped(self.payload, self.flip_payload)
        return head[: len(head) - self.cut_header], payload[: len(payload) - self.cut_payload]


def strike(frame: Outgoing, before: Outgoing, fault: Injection, plan: FaultPlan, stale_ms: float) -> Outgoing:
    """The frame as the fault leaves it.

    Args:
        frame: a sound one.
        before: the sound frame before it.
        fault: of a message kind; those that hold several frames back are the sender's.
        plan: says how large the fault is.
        stale_ms: the node's.
    """
    draw = np.random.default_rng(fault.seed)
    match fault.kind:
        case "drop":
            return replace(frame, copies=0)
        case "duplicate":
            return replace(frame, copies=2)
        case "delay":
            return replace(frame, delay_ms=plan.delay_ms)
        case "stale":
            return _moved(frame, -round(stale_ms * draw.uniform(1.5, 5) * 1e6))
        case "clock_step":
            return _moved(frame, round(plan.clock_step_ms * 1e6))
        case "truncate":
            return replace(frame, cut_payload=int(draw.integers(1, len(frame.payload) + 1)))
        case "truncate_header":
            return replace(frame, cut_header=int(draw.integers(1, len(encode(frame.header)))))
        case "corrupt":
            return replace(frame, flip_payload=_places(draw, len(frame.payload)))
        case "corrupt_header":
            return replace(frame, flip_header=_places(draw, len(encode(frame.header))))
        case "wrong_size":
            return _with_rows(frame, max(1, frame.header.height // 2))
        case "too_large":
            return _with_rows(frame, 2 * frame.header.height)
        case "frozen":
            return _once_more(before, frame.header)
        case kind if kind in _PIXELS:
            pixels = np.frombuffer(frame.payload, np.uint8).copy()
            return _with_payload(frame, _PIXELS[kind](draw, pixels).tobytes())
        case kind if kind in _BOXES:
            return replace(frame, header=_BOXES[kind](draw, frame.header))
    return frame


def _flipped(data: bytes, places: tuple[int, ...]) -> bytes:
    if not places:
        return data
    changed = bytearray(data)
    for place in places:
        changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def _places(draw: Draw, size: int) -> tuple[int, ...]:
    """One to eight bits, none twice: a second turn of the same would undo the first."""
    return tuple(int(place) for place in draw.choice(8 * size, draw.integers(1, 9), replace=False))


def _moved(frame: Outgoing, by_ns: int) -> Outgoing:
    header = frame.header
    times = {name: getattr(header, name) + by_ns for name in ("exposure_start_ns", "exposure_end_ns", "sent_ns")}
    if min(times.values()) < 0:  # a host that has just started
        times = dict.fromkeys(times, 0)
    return replace(frame, header=altered(header, **times))


def _with_payload(frame: Outgoing, payload: bytes) -> Outgoing:
    header = altered(frame.header, payload_bytes=len(payload), payload_crc32=zlib.crc32(payload))
    return replace(frame, payload=payload, header=header)


def _once_more(before: Outgoing, now: Header) -> Outgoing:
    """The frame before under this one's id and times; its geometry and its box are its own, for sizes may differ."""
    times = {name: getattr(now, name) for name in ("exposure_start_ns", "exposure_end_ns", "sent_ns")}
    return replace(before, header=altered(before.header, run=now.run, frame_id=now.frame_id, **times))


def _with_rows(frame: Outgoing, rows: int) -> Outgoing:
    """A frame of another height: its first rows, or all of them again below."""
    payload = (2 * frame.payload)[: rows * frame.header.stride]
    return _with_payload(replace(frame, header=altered(frame.header, height=rows)), payload)


def _hot(draw: Draw, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    pixels[draw.integers(0, pixels.size, max(1, pixels.size // 1000))] = 255
    return pixels


_PIXELS: dict[str, Callable[[Draw, npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]] = {
    "black": lambda draw, pixels: draw.integers(0, 4, pixels.shape, np.uint8),
    "saturated": lambda draw, pixels: draw.integers(250, 256, pixels.shape, np.uint8),
    "hot_pixels": _hot,
}


def _box(draw: Draw, header: Header, shift: float, scale: tuple[float, float]) -> Header:
    """The box moved by up to `shift` of its sides, and scaled about its centre."""
    if header.box is None:
        return header
    x_min, y_min, x_max, y_max = header.box
    width, height, factor = x_max - x_min, y_max - y_min, draw.uniform(*scale)
    centre_x = (x_min + x_max) / 2 + draw.uniform(-shift, shift) * width
    centre_y = (y_min + y_max) / 2 + draw.uniform(-shift, shift) * height
    half_w, half_h = factor * width / 2, factor * height / 2
    return altered(header, box=(centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h))


def _nan(draw: Draw, header: Header) -> Header:
    corners = list(header.box or (0.0, 0.0, 1.0, 1.0))
    corners[draw.integers(4)] = float("nan")
    return altered(header, box=(corners[0], corners[1], corners[2], corners[3]), box_source="detector")


def _outside(draw: Draw, header: Header) -> Header:
    x, y = header.width + draw.uniform(1, 500), header.height + draw.uniform(1, 500)
    return altered(header, box=(x, y, x + 50, y + 50), box_source="detector")


_BOXES: dict[str, Callable[[Draw, Header], Header]] = {
    "box_jitter": lambda draw, header: _box(draw, header, 0.05, (0.95, 1.05)),
    "box_shift": lambda draw, header: _box(draw, header, 0.5, (1, 1)),
    "box_scale": lambda draw, header: _box(draw, header, 0, (0.5, 2)),
    "box_missing": lambda draw, header: altered(header, box=None, box_source="none"),
    "box_outside": _outside,
    "box_nan": _nan,
}
