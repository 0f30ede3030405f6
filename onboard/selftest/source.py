"""Whether the source gives a frame that can be judged."""

import time
from pathlib import Path

from onboard.calibration import Calibration, other_frame_size
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.sanity import Sanity
from onboard.selftest.check import Check
from onboard.selftest.places import no_shared_memory, no_tmpfs
from onboard.sources import Settled, SourceFrame, open_source
from onboard.sources.config import RingConfig
from onboard.sources.source import SUPERSEDED


def check(config: NodeConfig, calibration: Calibration | None, wait_s: float) -> Check:
    """Open the source as the node would, take one frame, look at it, and close it again."""
    kind = type(config.source).__struct_config__.tag
    ring = Path(config.source.path) if isinstance(config.source, RingConfig) else None
    if ring is not None and (lacking := no_shared_memory(ring)) is not None:
        return Check("source", False, f"ring {ring}: {lacking}")
    try:
        source = open_source(config.source)
    except InputError as error:
        return Check("source", False, str(error))
    said, until = "nothing came", time.monotonic() + wait_s
    try:
        while time.monotonic() < until and not source.ended:
            taken = source.take(0.1)
            told = [
                each.detail for each in taken.events if each.name != "source_lost"
            ]  # which says less than the others
            said = told[-1] if told else said
            for item in taken.items:
                if isinstance(item, SourceFrame):
                    found = _look(config, calibration, item, str(kind))
                    return found if ring is None else found._replace(detail=found.detail + no_tmpfs(ring))
                said = _why(item) or said
    finally:
        source.close()
    wanted = "look at the camera or the sender, and at 'source' in the configuration"
    return Check("source", False, f"{kind}: no frame in {wait_s:g} s ({said}); {wanted}")


def _look(config: NodeConfig, calibration: Calibration | None, frame: SourceFrame, kind: str) -> Check:
    height, width = frame.pixels.shape[:2]
    shown = f"{kind}: a frame of {width} x {height} px, {_box(frame)}"
    refusal = Sanity(config.sanity).check(frame.pixels, frame.content)
    if (flaw := frame.flaw()) is not None:
        return Check("source", False, f"{shown}, {flaw.reason}: {flaw.detail}; look at the link")
    if refusal is not None:
        return Check(
            "source", False, f"{shown}, {refusal.reason}: {refusal.detail}; look at the camera, or at 'sanity'"
        )
    if (other := other_frame_size(calibration, width, height)) is not None:
        return Check("source", False, f"{kind}: a frame of {other}")
    age_ms = (frame.arrived_ns - frame.exposure_start_ns) / 1e6 - config.clock_offset_ms
    if config.stale_ms is not None and not -config.stale_ms <= age_ms <= config.stale_ms:
        return Check("source", False, f"{shown}, {age_ms:.0f} ms old; set clock_offset_ms, or look at the link")
    return Check("source", True, f"{shown}, {age_ms:.1f} ms old on arrival")


def _box(frame: SourceFrame) -> str:
    return f"box from {frame.box_source}" if frame.box is not None else "without a box: it will be REJECTED(no_box)"


def _why(item: Settled) -> str | None:
    return None if item.reason == SUPERSEDED else f"{item.name}: {item.reason}, {item.detail}"
