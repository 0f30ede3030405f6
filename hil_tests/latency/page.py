"""One static page: no scripts, nothing fetched."""

import os
from collections.abc import Sequence
from html import escape
from string import Template

from hil_tests.bench.limits import Held, Mark, passed
from hil_tests.bench.page import STYLE, limits_table, table
from hil_tests.latency import plots, tables
from hil_tests.latency.measured import Measured
from hil_tests.latency.steps import steps, window_of

_IDLE_LOAD = 0.5  # for each core
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Latency</title><style>
$style td:first-child { white-space: nowrap } .words td { text-align: left; white-space: normal }
</style></head><body>
<h1>Latency: <span class="$mark">$verdict</span></h1>
<p class="small">$started &middot; $machine &middot; $engine</p>
$warnings
<h2>Limits</h2>$limits
<h2>Distributions</h2>
<p class="small">warm: back to back, or through the node; paced: the engine alone at the frames' rate; loaded: beside
busy processes; cold: the first calls and frames after a start ($page_cache). Left counts, right the share that takes
longer; both logarithmic.</p>
$distributions
$conditions
<h2>From the engine to the verdict$window</h2>$steps<ul class="small">$why</ul>
<h2>What a frame's time is made of</h2>$parts
<h2>Stage by stage$whose</h2>$sides
<h2>Cold starts</h2>$positions<p>$starts</p>
<h2>Board</h2><div class="words">$board</div>
<h2>Before and after</h2><div class="words">$states</div>
<h2>Environment</h2><div class="words">$environment</div>
</body></html>
""")


def page(found: Measured, held: Sequence[Held]) -> str:
    """The report as HTML."""
    window = window_of(found)
    levels = steps(found, window)
    good, measured = passed(held), [each for each in held if each.mark is not Mark.NOT_MEASURED]
    verdict = "every limit held" if good else f"{sum(each.mark is Mark.FAIL for each in held)} limits not held"
    whose = "" if found.trtexec is None or found.comparable else ": trtexec's column is of another machine or engine"
    answered = any(times.frames for times in found.node.values())
    return _PAGE.substitute(
        style=STYLE,
        mark="none" if not measured else "pass" if good else "fail",
        verdict=verdict if measured else "no limit was measured",
        started=escape(found.environment["started"]),
        machine=escape(found.environment["machine"]),
        engine=escape(found.engine_name or "engine elsewhere"),
        warnings="".join(f'<p class="fail">{escape(line)}</p>' for line in warnings(found)),
        limits=limits_table(held) if held else "<p>None in the limits' file.</p>",
        page_cache=escape("; ".join(found.page_cache) or "none here"),
        distributions=_picture(plots.distributions(found, window), "histograms and tails by condition"),
        conditions=table(tables.CONDITIONS_HEAD, tables.conditions(found)),
        window="" if window is None else f", {window} px",
        steps=table(tables.STEPS_HEAD, tables.staircase(levels)),
        why="".join(f"<li>{escape(each.name)}: {escape(each.why)}</li>" for each in levels if each.ms is not None),
        parts=_picture(plots.parts(found) if answered else None, "parts of a frame by condition"),
        whose=escape(whose),
        sides=table(tables.SIDES_HEAD, tables.sides(found, window)),
        positions=table(tables.POSITIONS_HEAD, tables.positions(found)) if tables.positions(found) else "<p>None.</p>",
        starts=escape("; ".join(tables.starts(found))),
        board=table(("", ""), found.board.items()),
        states=table(("", ""), tables.states(found)),
        environment=table(("", ""), [(name, str(value)) for name, value in found.environment.items()]),
    )


def _picture(url: str | None, told: str) -> str:
    return "<p>None.</p>" if url is None else f'<img src="{url}" alt="{told}">'


def warnings(found: Measured) -> list[str]:
    """What a reader has to know before the figures."""
    told = [f"not measured: {line}" for line in found.left_out]
    before = next(iter(found.states.values()))[0]["load"]
    if before > _IDLE_LOAD * (os.cpu_count() or 1):
        told.append(
            f"other work was done here: the load average was {before} before anything was measured, so conditions and "
            "levels that were timed one after another may differ for that alone"
        )
    told += tables.losses(found)
    if found.same is not None:
        told += [f"trtexec's report is of ANOTHER MACHINE OR ENGINE: {line}" for line in found.same.differs]
        told += [f"trtexec: {line}" for line in found.same.notes]
        if found.same.unknown:
            told.append(f"trtexec's report does not tell: {', '.join(found.same.unknown)}")
    if found.trtexec is not None and found.trtexec.report is not None:
        told += [f"trtexec: {line}" for line in found.trtexec.report.warnings]
    return told
