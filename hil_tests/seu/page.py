"""The campaign as one static HTML page beside its charts."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from hil_tests.seu.rates import Rate
from hil_tests.seu.regions import FileFlips
from hil_tests.seu.table import Protection, Row

_STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px } caption { text-align: left; color: #555 }
td, th { border-bottom: 1px solid #ddd; padding: 3px 10px; text-align: right; vertical-align: top }
td:first-child, th:first-child { text-align: left } img { max-width: 100% }
.wide { overflow-x: auto } .wide img { max-width: none } .scroll { max-height: 30em; overflow: auto }
"""


def page(
    about: Mapping[str, Any],
    table: Sequence[Protection],
    verdicts: Sequence[str],
    bits: Sequence[Row],
    layers: Sequence[Row],
    regions: Sequence[FileFlips],
) -> str:
    """The page's text; it shows by_bit.png and by_layer.png, which lie beside it."""
    facts = "".join(f"<tr><td>{escape(str(k))}</td><td>{escape(str(v))}</td></tr>" for k, v in about.items())
    said = "".join(f"<li>{escape(line)}</li>" for line in verdicts)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Bit flips</title><style>{_STYLE}</style></head><body>
<h1>Bit flips in the network's weights</h1>
<ul>{said}</ul>
<h2>What each protection leaves</h2>
{_protections(table)}
<h2>By place in the word</h2><img src="by_bit.png" alt="share of flips that change a decision, by bit">
{_rows(bits, "bit / width")}
<h2>By layer</h2><div class="wide"><img src="by_layer.png" alt="share of flips that change a decision, by layer"></div>
<div class="scroll">{_rows(layers, "layer")}</div>
<h2>Files: a flipped bit in every region, through the loader</h2>
{_regions(regions)}
<h2>This campaign</h2><table>{facts}</table>
</body></html>
"""


def percent(rate: Rate) -> str:
    """A share with its interval and its unweighted count."""
    return f"{rate.share:.2%} ({rate.low:.2%} to {rate.high:.2%}; {rate.hits} of {rate.flips})"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], told: str) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table><caption>{escape(told)}</caption><tr>{top}</tr>{body}</table>"


def _protections(table: Sequence[Protection]) -> str:
    lines = [
        [
            ("clamps" if p.variant == "bounded" else "no clamps") + (", known answers" if p.known_answers else ""),
            *(percent(r) for r in (p.masked, p.rejected, p.answered, p.silent, p.to_alarm, p.to_normal)),
            f"{p.wrong_s:.3g}",
            f"{p.longest_s:g}",
            "not recorded" if p.clamped is None else percent(p.clamped),
        ]
        for p in table
    ]
    head = ["", "masked", "frame rejected", "known answer tells", "silent", "normal called debris", "debris missed"]
    told = "shares of flips in a memory that is hit evenly, with 95 % intervals and the counts of flips"
    head += ["wrong decisions, s per flip", "at most, s", "clamp would tell, of those that harm"]
    return _table(head, lines, told)


def _rows(rows: Sequence[Row], first: str) -> str:
    keys = [("changed", "plain"), ("silent", "plain+"), ("changed", "bounded"), ("silent", "bounded+")]
    keys = [(kind, key) for kind, key in keys if any(key in getattr(row, kind) for row in rows)]
    names = {"plain": "wrong decision, no clamps", "bounded": "wrong decision, clamps"}
    names |= {"plain+": "silent with known answers, no clamps", "bounded+": "silent with known answers, clamps"}
    lines = [
        [row.name, *(percent(getattr(row, kind)[key]) if key in getattr(row, kind) else "" for kind, key in keys)]
        for row in rows
    ]
    return _table([first, *(names[key] for _, key in keys)], lines, "")


def _regions(regions: Sequence[FileFlips]) -> str:
    lines = [
        [r.file, *(f"{n:,}" for n in (r.size, r.flips, r.refused, r.unchanged, r.accepted, r.crashed))] for r in regions
    ]
    told = "unchanged: white space behind the hash, loaded with the very contents as before"
    return _table(["file", "bytes", "flips", "refused", "unchanged", "accepted", "crashed"], lines, told)
