"""What the pages of all reports share: style, tables, limits."""

from collections.abc import Iterable, Sequence
from html import escape

from hil_tests.bench.limits import Held, Mark

STYLE = """\
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1180px; margin: 24px auto; padding: 0 16px }
h1 { font-size: 24px; margin-bottom: 0 } h2 { font-size: 18px; margin: 28px 0 6px }
table { border-collapse: collapse; margin: 6px 0 } td, th { padding: 2px 14px 2px 0; text-align: left }
th { border-bottom: 1px solid #999; font-weight: 600 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
tr:nth-child(even) td { background: #f6f6f6 } img { width: 100% } .columns { display: flex; gap: 56px; flex-wrap: wrap }
.pass { color: #1e8449 } .fail { color: #c0392b; font-weight: 700 } .none { color: #888 } p.small { color: #666 }
"""


def limits_table(held: Sequence[Held]) -> str:
    """Limits with their figures and marks."""
    style = {Mark.PASS: "pass", Mark.FAIL: "fail", Mark.NOT_MEASURED: "none"}
    rows = "".join(
        f'<tr><td class="{style[each.mark]}">{each.mark.value}</td><td>{escape(each.limit.figure)}</td>'
        f'<td class="n">{_number(each.value)}</td><td>{each.limit.said()}</td></tr>'
        for each in held
    )
    return f'<table><tr><th></th><th>figure</th><th class="n">found</th><th>limit</th></tr>{rows}</table>'


def _number(value: float | None) -> str:
    return "&ndash;" if value is None else f"{value:.4g}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; with a head, all columns but the first hold numbers."""

    def row(cells: Sequence[object], tag: str) -> str:
        return "<tr>" + "".join(_cell(cell, tag, bool(n) and any(head)) for n, cell in enumerate(cells)) + "</tr>"

    top = row(head, "th") if any(head) else ""
    return f"<table>{top}{''.join(row(cells, 'td') for cells in rows)}</table>"


def _cell(cell: object, tag: str, number: bool) -> str:
    text = str(cell) if str(cell).startswith("&") else escape(str(cell))
    return f"<{tag}{' class=n' if number else ''}>{text}</{tag}>"
