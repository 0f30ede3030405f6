"""Whether the source gives a frame that can be judged."""

import time
from pathlib import Path

import msgspec

from onboard.bundle import Bundle
from onboard.errors import InputError, unforeseen
from onboard.finder import Boxes
from onboard.fly.config import NodeConfig
from onboard.fly.unfit import why_unfit
from onboard.sanity import Sanity
from onboard.selftest.check import Check
from onboard.selftest.places import no_shared_memory, no_tmpfs
from onboard.sources import Settled, SourceFrame, open_source
from onboard.sources.config import FolderConfig, RingConfig, StreamConfig
from onboard.sources.source import SUPERSEDED


def check(config: NodeConfig, bundle: Bundle | None, wait_s: float) -> Check:
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
                    found = _look(config, bundle, item, str(kind))
                    return found if ring is None else found._replace(detail=found.detail + no_tmpfs(ring))
                said = _why(item) or said
    finally:
        source.close()
    wanted = "look at the camera or the sender, and at 'source' in the configuration"
    return Check("source", False, f"{kind}: no frame in {wait_s:g} s ({said}); {wanted}")


def _look(config: NodeConfig, bundle: Bundle | None, frame: SourceFrame, kind: str) -> Check:
    height, width = frame.pixels.shape[:2]
    refusal = Sanity(config.sanity).check(frame.pixels, frame.content)
    box = f"box from {frame.box_source}" if frame.box is not None else "without a box"
    if frame.box is None and refusal is None:  # before the flaw is asked for: a ring may be written over meanwhile
        frame, box = _boxed(config, frame)
    shown = f"{kind}: a frame of {width} x {height} px, {box}"
    if (flaw := frame.flaw()) is not None:
        return Check("source", False, f"{shown}, {flaw.reason}: {flaw.detail}; look at the link")
    if refusal is not None:
        return Check(
            "source", False, f"{shown}, {refusal.reason}: {refusal.detail}; look at the camera, or at 'sanity'"
        )
    if frame.box is None and _never_boxed(config, bundle):
        return Check("source", False, f"{shown}, nor will any frame of this source have one; set 'finder: {{}}'")
    calibration = None if bundle is None else bundle.manifest.calibration
    largest = msgspec.structs.replace(frame, box=(0.0, 0.0, float(width), float(height)))
    if (never := why_unfit(calibration, config.sanity, largest)) is not None:
        said = f"{shown}, none gets a verdict: {never.reason}, {never.detail}"
        return Check("source", False, f"{said}; look at 'sanity' and at the bundle's calibration")
    if (unfit := why_unfit(calibration, config.sanity, frame)) is not None:  # of this box alone: another may be larger
        shown = f"{shown}: it will be REJECTED({unfit.reason}), {unfit.detail}"
    age_ms = (frame.arrived_ns - frame.exposure_start_ns) / 1e6 - config.clock_offset_ms
    if config.stale_ms is not None and not -config.stale_ms <= age_ms <= config.stale_ms:
        return Check("source", False, f"{shown}, {age_ms:.0f} ms old; set clock_offset_ms, or look at the link")
    return Check("source", True, f"{shown}, {age_ms:.1f} ms old on arrival")


def _boxed(config: NodeConfig, frame: SourceFrame) -> tuple[SourceFrame, str]:
    """The frame with the box that the node's finder gives it, and what is to be said of that."""
    if config.finder is None:
        return frame, "without a box: it will be REJECTED(no_box), for there is no finder"
    try:
        found = Boxes(config.finder)(frame.run, frame.frame_id, frame.pixels)
    except Exception as error:  # the node flies on, and so does this page
        return frame, f"without a box: it will be REJECTED(no_box), {unforeseen(error)}"
    if found.box is None:
        return frame, f"without a box: it will be REJECTED(no_box), {found.why}"
    sides = f"{found.box[2] - found.box[0]:.0f} x {found.box[3] - found.box[1]:.0f} px"
    return msgspec.structs.replace(frame, box=found.box, box_source=found.source), f"box of {sides} from {found.source}"


def _never_boxed(config: NodeConfig, bundle: Bundle | None) -> bool:
    """Whether every frame of this source lacks a box, and all that the bundle could give without one: a pose."""
    sees_whole = bundle is not None and bundle.manifest.crop.whole
    source = config.source
    sidecar = isinstance(source, FolderConfig) and source.boxes is not False
    return not (config.finder is not None or sees_whole or sidecar or isinstance(source, StreamConfig | RingConfig))


def _why(item: Settled) -> str | None:
    return None if item.reason == SUPERSEDED else f"{item.name}: {item.reason}, {item.detail}"
