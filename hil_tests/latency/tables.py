"""The tables of terminal and page."""

from hil_tests.latency import board
from hil_tests.latency.measured import Measured
from hil_tests.latency.statistics import median, statistics
from hil_tests.latency.steps import Step

Row = tuple[str, ...]
CONDITIONS_HEAD = ("figure", "n", "p50", "p90", "p99", "p99.9", "max")
STEPS_HEAD = ("level (warm, medians)", "ms", "more")
SIDES_HEAD = ("stage", "trtexec", "engine alone", "node")
POSITIONS_HEAD = ("cold start, medians of ms", "1st", "2nd", "3rd", "last")


def number(value: float | None) -> str:
    """Three digits that count; a hyphen for nothing."""
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def conditions(found: Measured) -> list[Row]:
    """Every distribution in one row."""
    return [
        (name, str(len(values)), *(number(value) for value in statistics(values).values()))
        for name, values in found.distributions().items()
        if any(values)  # no finder: no times of finding
    ]


def staircase(steps: list[Step]) -> list[Row]:
    """Levels and what each has more than the one before."""
    return [
        (each.name, number(each.ms), "" if each.more is None else ("+" if each.more >= 0 else "") + number(each.more))
        for each in steps
    ]


def sides(found: Measured, window: str | None) -> list[Row]:
    """Stage by stage: what each of the three has of it; medians of the warm condition in ms."""
    run = found.trtexec
    alone = found.engine.get("warm", {}).get(window or "")
    inside = {} if alone is None else alone.inside
    rows: list[Row] = [
        (
            name,
            number(None if run is None else run.median(stage)),
            number(median(inside.get(stage, []))),
            "in infer",
        )
        for name, stage in (("copy in (H2D)", "h2d"), ("GPU compute", "compute"), ("copy out (D2H)", "d2h"))
    ]
    latency = None if run is None else run.median("latency")
    whole = None if alone is None else median(alone.calls)
    warm = found.node.get("warm")

    def of(stage: str) -> str:
        values = [] if warm is None else warm.of(stage, window) or warm.of(stage)
        return number(median(values) if any(values) else None)

    rows.append(("whole call (infer)", number(latency), number(whole), of("infer")))
    rows.append(("enqueue, beside the GPU", number(None if run is None else run.median("enqueue")), "-", "in infer"))
    rows.append(("all layers, profiler on", number(None if run is None else run.layers_ms), "-", "-"))
    rows += [(stage, "-", "-", of(stage)) for stage in ("window", "find", "read")]
    rows += [(f"{stage} (bench)", "-", "-", of(stage)) for stage in ("link", "camera", "end_to_end")]
    return rows


def positions(found: Measured) -> list[Row]:
    """Of cold starts: the first call or frame, the second, the third, the last."""
    series = {
        f"engine, {size} px": [start for start in times.starts if start]
        for size, times in found.engine.get("cold", {}).items()
    }
    cold = found.node.get("cold")
    if cold is not None:
        starts = [start for start in cold.starts if start]
        series["node: infer"] = [[frame.infer for frame in start] for start in starts]
        series["node: total"] = [[frame.total for frame in start] for start in starts]
        series["end to end"] = [[frame.end_to_end for frame in start] for start in starts]
    rows: list[Row] = []
    for name, starts_ms in series.items():
        cells = [number(median([each[n] for each in starts_ms if len(each) > n])) for n in (0, 1, 2)]
        rows.append((name, *cells, number(median([each[-1] for each in starts_ms]))))
    return rows


def states(found: Measured) -> list[Row]:
    """The board before and after each condition; what it does not tell at all stands once."""
    kinds = ("temperature_c", "clock_mhz", "power_w")
    told = [kind for kind in kinds if any(kind in state for taken in found.states.values() for state in taken)]
    rows: list[Row] = [(kind, board.ABSENT) for kind in kinds if kind not in told]
    for condition, (before, after) in found.states.items():
        rows.append((f"{condition}: load", f"{before['load']} to {after['load']}"))
        for kind in told:
            was, now = before.get(kind, {}), after.get(kind, {})
            values = ", ".join(f"{name} {was.get(name, '?')} to {value}" for name, value in now.items())
            rows.append((f"{condition}: {kind}", values or board.ABSENT))
        rows.append((f"{condition}: throttling", board.throttled(before, after)))
    return rows


def starts(found: Measured) -> list[str]:
    """How long loading takes, in sentences."""
    told = []
    loads = [ms for times in found.engine.get("cold", {}).values() for ms in times.load_ms]
    if loads:
        told.append(f"bundle and engine loaded in {number(median(loads))} ms (median), at most {number(max(loads))} ms")
    ready = found.node["cold"].ready_s if "cold" in found.node else []
    if ready:
        told.append(f"node flies {number(median(ready))} s after its start (median), at most {number(max(ready))} s")
    return told


def losses(found: Measured) -> list[str]:
    """Frames that were not answered, which no distribution holds."""
    return [
        f"{condition}: {times.sent - len(times.frames)} of {times.sent} frames were not answered"
        for condition, times in found.node.items()
        if len(times.frames) < times.sent
    ]
