"""Source data as tables of fields: docs/telemetry.md shows the very same ones, and a test holds the two together."""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

_CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f", "f64": "d"}
_MOST = {"u8": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF, "u64": 0xFFFFFFFFFFFFFFFF}


def _code(kind: str) -> str:
    return _CODES.get(kind) or f"{int(kind.split()[0])}s"


class Field(NamedTuple):
    """A name, and a type: u8 to u64, f32, f64, or a number of bytes such as `16 bytes`."""

    name: str
    kind: str


class Layout:
    """Fields one behind the other, big-endian, without padding.

    Args:
        fields: in their order.

    Attributes:
        size: bytes.
    """

    def __init__(self, *fields: tuple[str, str]) -> None:
        self.fields = tuple(Field(*each) for each in fields)
        self._struct = struct.Struct(">" + "".join(_code(kind) for _, kind in fields))
        self.size = self._struct.size

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """The bytes; an integer too large for its field becomes the largest that fits.

        Raises:
            KeyError, struct.error: a value is missing, or of the wrong type.
        """
        found = (values[name] if kind not in _MOST else min(values[name], _MOST[kind]) for name, kind in self.fields)
        return self._struct.pack(*found)

    def unpack(self, data: bytes) -> dict[str, Any]:
        """The values by their names; more bytes may follow.

        Raises:
            ValueError: there are too few bytes.
        """
        if len(data) < self.size:
            raise ValueError(f"{len(data)} bytes, {self.size} are needed")
        return dict(zip((field.name for field in self.fields), self._struct.unpack_from(data), strict=True))

    def offsets(self) -> list[tuple[int, str, str]]:
        """Offset, type and name of each field."""
        rows, at = [], 0
        for name, kind in self.fields:
            rows.append((at, kind, name))
            at += struct.calcsize(">" + _code(kind))
        return rows


NO_NUMBER, NO_ANSWER = 0xFFFFFFFFFFFFFFFF, 0xFF
STAGES, FIND = ("age", "read", "window", "infer", "send", "total"), "find"


def _latencies(*stages: str) -> list[tuple[str, str]]:
    return [(f"{stage}_{share}_ms", "f32") for stage in stages for share in ("p50", "p99", "max")]


VERDICT = Layout(
    ("version", "u8"),
    ("status", "u8"),
    ("reason", "u16"),
    ("run", "16 bytes"),
    ("frame_id", "u64"),
    ("exposure_start_ns", "u64"),
    ("exposure_end_ns", "u64"),
    ("x_min", "f32"),
    ("y_min", "f32"),
    ("x_max", "f32"),
    ("y_max", "f32"),
    ("logit", "f32"),
    ("p_value", "f64"),
    ("is_debris", "u8"),
    ("box_source", "u8"),
    ("track_is_debris", "u8"),
    ("track_beyond_horizon", "u8"),
    ("track_frames", "u32"),
    ("track_alarm_frame", "u32"),
    ("track_value", "f64"),
    ("track_p_value", "f64"),
    ("bundle", "8 bytes"),
    ("suspect", "u8"),
)
POSE = Layout(
    ("version", "u8"),
    ("output", "u8"),
    ("run", "16 bytes"),
    ("frame_id", "u64"),
    ("exposure_start_ns", "u64"),
    ("exposure_end_ns", "u64"),
    ("dimension_0", "u16"),
    ("dimension_1", "u16"),
    ("dimension_2", "u16"),
    ("dimension_3", "u16"),
)
NODE = Layout(
    ("version", "u8"),
    ("first", "u8"),
    ("pid", "u32"),
    ("bundle", "8 bytes"),
    ("outputs", "u8"),
)
EVENT = Layout(
    ("version", "u8"),
    ("event", "u16"),
    ("monotonic_ns", "u64"),
    ("left_out", "u32"),
)
HOUSEKEEPING = Layout(
    ("structure", "u8"),
    ("version", "u8"),
    ("monotonic_ns", "u64"),
    ("utc_ns", "u64"),
    ("bundle", "8 bytes"),
    ("engine", "u8"),
    ("journal_agrees", "u8"),
    ("received", "u64"),
    ("answered", "u64"),
    ("rejected", "u64"),
    ("skipped", "u64"),
    ("called_debris", "u64"),
    ("not_recorded", "u64"),
    ("deadline_missed", "u64"),
    ("deadline_of", "u64"),
    ("invalid_outputs", "u64"),
    ("file_dropped", "u64"),
    ("socket_dropped", "u64"),
    ("telemetry_dropped", "u64"),
    ("telemetry_failed", "u64"),
    ("events", "u64"),
    *_latencies(*STAGES),
    ("drift_tracks", "u32"),
    ("drift_log_capital", "f64"),
    ("drift_alarm", "u8"),
    ("known_answers_asked", "u64"),
    ("known_answers_wrong", "u64"),
    ("scrub_passes", "u64"),
    ("scrub_failed", "u64"),
    ("hottest_c", "f32"),
    ("highest_power_w", "f32"),
    ("paused", "u8"),
    *_latencies(FIND),
    ("reordered", "u64"),
)
REQUEST = Layout(("request", "u32"))
FAILED_REQUEST = Layout(("request", "u32"), ("code", "u16"))
