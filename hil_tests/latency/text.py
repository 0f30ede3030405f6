"""The measurement for a terminal, and as JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hil_tests.bench.limits import Held
from hil_tests.latency import tables
from hil_tests.latency.measured import Measured
from hil_tests.latency.page import warnings
from hil_tests.latency.steps import steps, window_of


def text(found: Measured, held: Sequence[Held]) -> str:
    """For a terminal."""
    window = window_of(found)
    where = "engine elsewhere" if not found.engine_name else found.engine_name
    load = ", ".join(f"{name} {taken[0]['load']} to {taken[-1]['load']}" for name, taken in found.states.items())
    lines = [found.environment["machine"], f"{where}; load average: {load}"]
    lines += [f"warning: {line}" for line in warnings(found)]
    lines += _columns([tables.CONDITIONS_HEAD, *tables.conditions(found)])
    if positions := tables.positions(found):
        lines += ["", *_columns([tables.POSITIONS_HEAD, *positions]), f"page cache: {'; '.join(found.page_cache)}"]
        lines += tables.starts(found)
    head = tables.STEPS_HEAD if window is None else (f"{tables.STEPS_HEAD[0]}, {window} px", *tables.STEPS_HEAD[1:])
    lines += ["", *_columns([head, *tables.staircase(steps(found, window))])]
    if found.trtexec is not None:
        whose = "trtexec" if found.comparable else "trtexec (OTHER)"
        sides = (tables.SIDES_HEAD[0], whose, *tables.SIDES_HEAD[2:])
        lines += ["", *_columns([sides, *tables.sides(found, window)])]
    return "\n".join([*lines, *(["limits:", *(each.line() for each in held)] if held else ["no limits"])])


def plain(found: Measured, held: Sequence[Held]) -> dict[str, Any]:
    """For JSON: every value that was measured, and what follows from it."""
    window = window_of(found)
    return {
        "environment": found.environment,
        "board": found.board,
        "states": found.states,
        "engine": {"name": found.engine_name, **found.engine_about},
        "page_cache": found.page_cache,
        "warnings": warnings(found),
        "figures": found.figures(),
        "limits": [{"figure": h.limit.figure, "value": h.value, "mark": h.mark.value} for h in held],
        "window": window,
        "steps": msgspec.to_builtins(steps(found, window)),
        "trtexec": None if found.trtexec is None else {**found.trtexec.plain(), "comparable": found.comparable},
        "engine_ms": msgspec.to_builtins(found.engine),
        "node": msgspec.to_builtins(found.node),
    }


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if not n else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
