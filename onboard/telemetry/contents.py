"""What source data says, by the layout's tables."""

import math
import struct
from typing import Any

from onboard.telemetry import layout, numbers
from onboard.telemetry.reading import Packet
from onboard.wire.frame import BOX_SOURCES

_STATUS = {number: status.value for status, number in numbers.STATUSES.items()}
_REASON = {number: reason for reason, number in numbers.REASONS.items()}
_EVENT = {number: name for name, number in numbers.EVENTS.items()}
_ENGINE = {number: name for name, number in numbers.ENGINES.items()}
_REQUEST = {1: "accepted", 2: "not_accepted", 7: "completed", 8: "not_completed"}
_SEVERITY = {1: "info", 2: "low", 3: "medium", 4: "high"}
_NUMBERS = ("exposure_start_ns", "exposure_end_ns", "scrub_passes", "scrub_failed")
_ANSWERS = ("is_debris", "track_is_debris", "track_beyond_horizon", "drift_alarm", "paused", "suspect")


class Contents:
    """Reads source data; remembers the names of pose outputs that a node has told.

    Args:
        verdict_service: the mission's number of it.
    """

    def __init__(self, verdict_service: int) -> None:
        self._verdict_service = verdict_service
        self._outputs: dict[int, list[str]] = {}

    def of(self, packet: Packet) -> dict[str, Any]:
        """Its values by name, with its `kind`; `unknown` or `malformed` with the bytes in hexadecimal."""
        service, subtype = packet.service, packet.subtype
        service = -1 if service == self._verdict_service else service
        readers = {(3, 25): _housekeeping, (-1, 1): _verdict, (-1, 2): self._pose, (-1, 3): self._node}
        readers |= {(1, each): _request for each in _REQUEST} | {(5, each): _event for each in _SEVERITY}
        reader = readers.get((service, subtype))
        if reader is None:
            return {"kind": "unknown", "data": packet.data.hex()}
        try:
            return {name: _plain(value) for name, value in reader(packet).items()}
        except ValueError as error:
            return {"kind": "malformed", "why": str(error), "data": packet.data.hex()}

    def _node(self, packet: Packet) -> dict[str, Any]:
        found = _checked(layout.NODE, packet.data)
        names, rest = [], packet.data[layout.NODE.size :]
        for _ in range(found["outputs"]):
            if not rest or len(rest) < 1 + rest[0]:
                raise ValueError("the names of outputs are cut off")
            names.append(rest[1 : 1 + rest[0]].decode(errors="replace"))
            rest = rest[1 + rest[0] :]
        self._outputs[packet.apid] = names
        return {"kind": "node", **found, "outputs": names}

    def _pose(self, packet: Packet) -> dict[str, Any]:
        found = _checked(layout.POSE, packet.data)
        sizes = [found.pop(f"dimension_{n}") for n in range(4)]
        shape = sizes[: next((n for n, size in enumerate(sizes) if not size), 4)]
        values, count = packet.data[layout.POSE.size :], math.prod(shape)
        if len(values) != 4 * count:
            raise ValueError(f"{len(values)} bytes of values, {4 * count} are needed for shape {shape}")
        names = self._outputs.get(packet.apid, [])
        name = names[found["output"]] if found["output"] < len(names) else None
        told = [_plain(value) for value in struct.unpack(f">{count}f", values)]
        return {"kind": "pose", **_numbers(found), "name": name, "shape": shape, "values": told}


def _request(packet: Packet) -> dict[str, Any]:
    kind = layout.REQUEST if packet.subtype in (1, 7) else layout.FAILED_REQUEST
    found = {"kind": "request", "report": _REQUEST[packet.subtype], **kind.unpack(packet.data)}
    text = packet.data[kind.size :].decode(errors="replace")
    return found if kind is layout.REQUEST else found | {"text": text}


def _event(packet: Packet) -> dict[str, Any]:
    found = _checked(layout.EVENT, packet.data)
    text = packet.data[layout.EVENT.size :].decode(errors="replace")
    name = _EVENT.get(found["event"])
    return {"kind": "event", "severity": _SEVERITY[packet.subtype], **found, "name": name, "detail": text}


def _verdict(packet: Packet) -> dict[str, Any]:
    found = _numbers(_checked(layout.VERDICT, packet.data))
    reason, source = found["reason"], found["box_source"]
    found["status"] = _STATUS.get(found["status"], found["status"])
    found["reason"] = _REASON.get(reason, reason)
    found["box_source"] = BOX_SOURCES[source] if source < len(BOX_SOURCES) else None
    return {"kind": "verdict", **_answers(found)}


def _housekeeping(packet: Packet) -> dict[str, Any]:
    if packet.data[:1] != b"\1":
        raise ValueError("housekeeping of another structure than 1")
    found = _answers(_numbers(_checked(layout.HOUSEKEEPING, packet.data)))
    found["engine"] = _ENGINE.get(found["engine"], "other")
    return {"kind": "housekeeping", **found}


def _checked(kind: layout.Layout, data: bytes) -> dict[str, Any]:
    found = kind.unpack(data)
    if found["version"] != 1:
        raise ValueError(f"layout of version {found['version']}, version 1 is read")
    return found


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    for name in _NUMBERS:
        if found.get(name) == layout.NO_NUMBER:
            found[name] = None
    return found


def _answers(found: dict[str, Any]) -> dict[str, Any]:
    for name in _ANSWERS:
        if name in found:
            found[name] = {0: False, 1: True}.get(found[name])
    return found


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    return None if isinstance(value, float) and not math.isfinite(value) else value
