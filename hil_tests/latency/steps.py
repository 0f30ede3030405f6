"""From trtexec's GPU compute time to exposure-to-verdict: levels, each of which holds the one before."""

from dataclasses import dataclass

from hil_tests.latency.measured import Measured
from hil_tests.latency.statistics import median

_COPIES_OFF = "made without data transfers: what copies cost is not in it"
_NOT_IN_TRTEXEC = "trtexec has no such stage. "


@dataclass(frozen=True)
class Step:
    """One level.

    Attributes:
        name: what was timed.
        ms: its median; None: not measured here.
        more: over the last level that was measured; None for the first. Of the node's levels, which are of the same
            frames, the median of each frame's own difference; of the others the difference of the medians.
        why: what the difference is.
    """

    name: str
    ms: float | None
    more: float | None
    why: str


def window_of(found: Measured) -> str | None:
    """The window size that is compared: trtexec's where it is one of those here, else the one most frames had."""
    if found.comparable and found.trtexec is not None and found.trtexec.window() is not None:
        return found.trtexec.window()
    seen = [frame.window for frame in found.node["warm"].frames if frame.window] if "warm" in found.node else []
    sizes = list(next(iter(found.engine.values()), {}))
    return max(sorted(set(seen)), key=seen.count) if seen else (sizes[0] if sizes else None)


def steps(found: Measured, window: str | None) -> list[Step]:
    """The levels at one window size, by medians of the warm condition.

    trtexec's are among them only where its report is of this engine, and tells the window size.
    """
    made: list[Step] = []
    below: float | None = None
    for name, ms, why in [] if window is None else [*_trtexec(found), *_alone(found, window)]:
        made.append(Step(name, ms, None if below is None or ms is None else ms - below, why))
        below = below if ms is None else ms
    return made + _node(found, window, below)


Level = tuple[str, float | None, str]


def _trtexec(found: Measured) -> list[Level]:
    run = found.trtexec
    if run is None or not found.comparable or run.window() is None:
        return []
    off = run.report is not None and run.report.data_transfers is False
    return [
        ("trtexec: GPU compute", run.median("compute"), "kernels alone, by CUDA events"),
        ("trtexec: latency", run.median("latency"), _COPIES_OFF if off else "copies in (H2D) and out (D2H)"),
    ]


def _alone(found: Measured, window: str) -> list[Level]:
    warm = found.engine.get("warm", {}).get(window)
    paced = found.engine.get("paced", {}).get(window)
    if warm is None:
        return []
    levels: list[Level] = []
    if {"h2d", "compute", "d2h"} <= set(warm.inside):
        parts = zip(*(warm.inside[name] for name in ("h2d", "compute", "d2h")), strict=True)
        same = "the same work by the same kind of events: clocks, CUDA graph, mapped memory, one query at a time"
        levels.append(("engine alone: on the GPU", median([sum(each) for each in parts]), same))
    host = "host side of a call: window copied into the engine's buffer, graph launched, GPU waited for, outputs copied"
    if not levels:
        host = "one call of ONNX Runtime; nothing tells its parts"
    levels.append(("engine alone: call, back to back", median(warm.calls), host))
    rest = "pauses between frames: caches go cold, clocks fall, threads sleep"
    levels.append(("engine alone: call, at the frames' rate", None if paced is None else median(paced.calls), rest))
    return levels


def _node(found: Measured, window: str | None, below: float | None) -> list[Step]:
    warm = found.node.get("warm")
    if warm is None or not warm.frames:
        return []
    frames = [frame for frame in warm.frames if window in (None, frame.window)] or warm.frames
    infer = median([frame.infer for frame in frames])
    assert infer is not None
    why = "real windows, and beside the node's other threads and the bench"
    return [
        Step("node: infer", infer, None if below is None else infer - below, why),
        Step(
            "node: arrival to verdict",
            median([frame.total for frame in frames]),
            median([frame.total - frame.infer for frame in frames]),
            _NOT_IN_TRTEXEC + "read (journal, freshness, sanity, checksum), find, window",
        ),
        Step(
            "bench: sent to verdict here",
            median([frame.total + frame.link for frame in frames]),
            median([frame.link for frame in frames]),
            _NOT_IN_TRTEXEC + "link: frame and verdict over the wire, waiting for the loop, record, sending",
        ),
        Step(
            "bench: exposure to verdict here",
            median([frame.end_to_end for frame in frames]),
            median([frame.camera for frame in frames]),
            _NOT_IN_TRTEXEC + "camera: exposure, readout and driver, and how late the bench was",
        ),
    ]
