"""What the node knows, as values for the fields of a packet."""

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from onboard.messages import Verdict
from onboard.telemetry import layout, numbers
from onboard.wire.frame import BOX_SOURCES

VERSION, STRUCTURE = 1, 1
_NOT_A_BOX = (math.nan,) * 4
_BUNDLE_BYTES = 8


def of_verdict(verdict: Verdict) -> bytes:
    """Source data of a verdict packet."""
    x_min, y_min, x_max, y_max = _NOT_A_BOX if verdict.box is None else verdict.box
    track = verdict.track
    return layout.VERDICT.pack(
        {
            "version": VERSION,
            "status": numbers.STATUSES[verdict.status],
            "reason": numbers.REASONS.get(verdict.reason, numbers.OTHER_REASON),
            **_frame(verdict),
            "x_min": _f32(x_min),
            "y_min": _f32(y_min),
            "x_max": _f32(x_max),
            "y_max": _f32(y_max),
            "logit": _f32(verdict.logit),
            "p_value": _or_nan(verdict.p_value),
            "is_debris": _answer(verdict.is_debris),
            "box_source": _source(verdict.box_source),
            "track_is_debris": _answer(None if track is None else track.is_debris),
            "track_beyond_horizon": _answer(None if track is None else track.beyond_horizon),
            "track_frames": 0 if track is None else track.frames,
            "track_alarm_frame": 0 if track is None else track.alarm_frame or 0,
            "track_value": _or_nan(None if track is None else track.value),
            "track_p_value": _or_nan(None if track is None else track.p_value),
            "bundle": _bundle(verdict.bundle),
            "suspect": int(verdict.suspect),
        }
    )


def of_pose(verdict: Verdict, output: int, values: Any) -> bytes:
    """Source data of a packet with one of the pose network's outputs, of at most four dimensions."""
    with np.errstate(over="ignore"):
        array = np.asarray(values, dtype=">f4")
    sizes = (*array.shape, 0, 0, 0, 0)[:4]
    if array.ndim > len(sizes) or max(sizes) > 0xFFFF or not array.size:
        raise ValueError(f"an output of shape {array.shape}; one to 65535 in each of at most four dimensions go out")
    dimensions = {f"dimension_{n}": size for n, size in enumerate(sizes)}
    head = {"version": VERSION, "output": output, **_frame(verdict), **dimensions}
    return layout.POSE.pack(head) + array.tobytes()


def of_housekeeping(page: Mapping[str, Any]) -> bytes:
    """Source data of a housekeeping report, from the node's summary."""
    frames, deadline, dropped, drift = page["frames"], page["deadline"], page["verdicts_dropped"], page["drift"] or {}
    known, sensors = page["health"]["known_answers"], page["health"]["sensors"]
    scrub = page["health"]["scrub"]
    return layout.HOUSEKEEPING.pack(
        {
            "structure": STRUCTURE,
            "version": VERSION,
            "monotonic_ns": time.monotonic_ns(),
            "utc_ns": time.time_ns(),
            "bundle": _bundle(page["bundle"]),
            "engine": numbers.ENGINES.get(page["engine"], numbers.OTHER_ENGINE),
            "journal_agrees": int(page["journal"]["agrees"]),
            "received": frames["received"],
            "answered": frames["answered"],
            "rejected": sum(frames["rejected"].values()),
            "skipped": sum(frames["skipped"].values()),
            "called_debris": frames["called_debris"],
            "not_recorded": sum(frames["not_recorded"].values()),
            "deadline_missed": deadline["missed"] or 0,
            "deadline_of": deadline["of"],
            "invalid_outputs": page["invalid_outputs"],
            "file_dropped": dropped.get("file", 0),
            "socket_dropped": dropped.get("socket", 0),
            "telemetry_dropped": page["telemetry"]["dropped"],
            "telemetry_failed": page["telemetry"]["failed"],
            "events": sum(page["events"].values()),
            **_latencies(page["latency_ms"]),
            "drift_tracks": drift.get("tracks", 0),
            "drift_log_capital": _or_nan(drift.get("log_capital")),
            "drift_alarm": _answer(drift.get("alarm_at_0.01")),
            "known_answers_asked": known["asked"],
            "known_answers_wrong": known["wrong"],
            "scrub_passes": layout.NO_NUMBER if scrub is None else scrub["passes"],
            "scrub_failed": layout.NO_NUMBER if scrub is None else len(scrub["failed"]),
            "hottest_c": _f32(max(sensors.get("temperature_c", {}).values(), default=None)),
            "highest_power_w": _f32(max(sensors.get("power_w", {}).values(), default=None)),
            "paused": int(page["paused"]),
            "reordered": frames["reordered"],
        }
    )


def of_event(name: str, detail: str, left_out: int) -> bytes:
    """Source data of an event report, its detail cut at 400 bytes."""
    known = numbers.EVENTS.get(name, numbers.OTHER_EVENT)
    head = {"version": VERSION, "event": known, "monotonic_ns": time.monotonic_ns(), "left_out": left_out}
    text = detail if known else f"{name}: {detail}"
    return layout.EVENT.pack(head) + text.encode(errors="replace")[:400]


def of_node(first: bool, pid: int, bundle: str, outputs: tuple[str, ...]) -> bytes:
    """Source data of the packet that tells who sends, and the names of pose outputs: each its length and its bytes."""
    head = {"version": VERSION, "first": int(first), "pid": pid, "bundle": _bundle(bundle), "outputs": len(outputs)}
    names = (name.encode()[:255] for name in outputs)
    return layout.NODE.pack(head) + b"".join(bytes([len(name)]) + name for name in names)


def _frame(verdict: Verdict) -> dict[str, Any]:
    start, end = verdict.exposure_start_ns, verdict.exposure_end_ns
    return {
        "run": bytes.fromhex(verdict.run),
        "frame_id": verdict.frame_id,
        "exposure_start_ns": layout.NO_NUMBER if start is None else start,
        "exposure_end_ns": layout.NO_NUMBER if end is None else end,
    }


def _latencies(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    shares = ("p50", "p99", "max")
    return {
        f"{stage}_{share}_ms": _f32(found.get(stage, {}).get(share))
        for stage in (*layout.STAGES, layout.FIND)
        for share in shares
    }


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _f32(value: float | None) -> float:
    """As a 32-bit float, where one too large is infinite instead of an error."""
    with np.errstate(over="ignore"):
        return float(np.float32(_or_nan(value)))


def _answer(value: bool | None) -> int:
    return layout.NO_ANSWER if value is None else int(value)


def _source(name: str | None) -> int:
    if name is None:
        return 0
    return BOX_SOURCES.index(name) if name in BOX_SOURCES else layout.NO_ANSWER


def _bundle(sha256: str) -> bytes:
    return bytes.fromhex(sha256)[:_BUNDLE_BYTES]
