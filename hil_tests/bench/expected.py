"""How a frame that was struck may end. Whatever else happens is a missed outcome."""

import enum
from collections.abc import Container
from dataclasses import dataclass

from hil_tests.bench.history import History
from hil_tests.bench.plan import Injection

ANSWERED, OVERTAKEN = ("ANSWERED", None), ("SKIPPED", "superseded")
_BOX = ("REJECTED", "box_*")
_MAY_END: dict[str, tuple[tuple[str, str | None], ...]] = {
    "duplicate": (ANSWERED,),
    "reorder": (ANSWERED,),
    "delay": (ANSWERED,),
    "burst": (ANSWERED,),
    "stall": (ANSWERED, ("SKIPPED", "stale")),
    "truncate": (("REJECTED", "wire_payload_length"),),
    "corrupt": (("REJECTED", "wire_payload_crc"),),
    "stale": (("SKIPPED", "stale"),),
    "clock_step": (ANSWERED,),
    "frozen": (("REJECTED", "frame_frozen"),),
    "black": (("REJECTED", "frame_black"),),
    "saturated": (("REJECTED", "frame_saturated"),),
    "hot_pixels": (ANSWERED,),
    "wrong_size": (("REJECTED", "frame_wrong_size"),),
    "too_large": (("REJECTED", "wire_size"),),
    "box_jitter": (ANSWERED, _BOX),
    "box_shift": (ANSWERED, _BOX),
    "box_scale": (ANSWERED, _BOX),
    "box_missing": (("REJECTED", "no_box"),),
    "box_outside": (("REJECTED", "box_outside_frame"),),
    "box_nan": (("REJECTED", "box_not_finite"),),
}
NO_RECORD = frozenset({"drop", "truncate_header", "corrupt_header"})
_HELD = frozenset({"reorder", "delay", "burst", "stall"})  # being overtaken is what these are about


class Outcome(str, enum.Enum):
    """MET; MISSED; or NOT_TESTED: a newer frame overtook it, or the link lost it, before the node looked at it."""

    MET = "met"
    MISSED = "missed"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Judged:
    """A fault, what came of it, and a sentence where that was wrong."""

    injection: Injection
    outcome: Outcome
    detail: str = ""


def judge(injection: Injection, history: History, held_up: Container[int] = ()) -> Judged:
    """Judge a fault of a message kind by the records of the frames that it struck.

    Args:
        injection: the fault.
        history: has the records.
        held_up: ids of frames that a fault of the process kept waiting, which the node may then skip.
    """
    ids = range(injection.frame_id, injection.frame_id + (injection.frames if injection.kind in _HELD else 1))
    if injection.kind == "delay":
        ids = range(injection.frame_id, injection.frame_id + 1)
    found = [_one(injection, frame_id, history, frame_id in held_up) for frame_id in ids]
    for outcome in (Outcome.MISSED, Outcome.NOT_TESTED):
        if (first := next((each for each in found if each.outcome is outcome), None)) is not None:
            return first
    return found[0]


def _one(injection: Injection, frame_id: int, history: History, held_up: bool) -> Judged:
    kind, ends = injection.kind, history.ends(frame_id)
    if kind in NO_RECORD:
        if ends:
            return Judged(injection, Outcome.MISSED, f"frame {frame_id}: a record where there should be none: {ends}")
        if held_up:  # a node that is away leaves no record either
            return Judged(injection, Outcome.NOT_TESTED, f"frame {frame_id}: the node had been held up")
        return Judged(injection, Outcome.MET)
    if not ends:
        return Judged(injection, Outcome.NOT_TESTED, f"frame {frame_id}: did not arrive")
    if len(ends) > 1:
        return Judged(injection, Outcome.MISSED, f"frame {frame_id}: {len(ends)} records")
    end = ends[0]
    if end == OVERTAKEN:
        return Judged(injection, Outcome.MET if kind in _HELD else Outcome.NOT_TESTED, f"frame {frame_id}: overtaken")
    if any(_fits(end, allowed) for allowed in _MAY_END[kind]):
        return Judged(injection, Outcome.MET)
    if held_up and end[0] == "SKIPPED":
        return Judged(injection, Outcome.NOT_TESTED, f"frame {frame_id}: {end[1]}, for the node had been held up")
    if kind == "frozen" and history.ends(frame_id - 1) in ([OVERTAKEN], []):
        return Judged(injection, Outcome.NOT_TESTED, f"frame {frame_id}: the one before it was not looked at")
    wanted = " or ".join(f"{status}({reason})" if reason else status for status, reason in _MAY_END[kind])
    return Judged(injection, Outcome.MISSED, f"frame {frame_id}: {end[0]}({end[1]}), {wanted} expected")


def _fits(end: tuple[str, str | None], allowed: tuple[str, str | None]) -> bool:
    if end[0] != allowed[0]:
        return False
    reason, wanted = end[1], allowed[1]
    return (reason or "").startswith(wanted[:-1]) if wanted and wanted.endswith("*") else reason == wanted
