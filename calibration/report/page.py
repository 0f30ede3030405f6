"""The page and its few elements. Whatever comes from a file or a path goes through `escape`."""

import html
from collections.abc import Sequence

# The browser itself then holds the page to what it promises: nothing is fetched, and no script runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: #fff; color: #1a202c;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 2px solid #d9dee6; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
p { max-width: 46rem; margin: .5rem 0; }
h1, p, figcaption, code { overflow-wrap: anywhere; }
a { color: #2b6cb0; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.soft, figcaption, caption { color: #4a5568; }
.missing { border: 2px dashed #975a16; border-radius: 8px; padding: .5rem .9rem; margin: 1rem 0; max-width: 46rem; }
figure { margin: 1rem 0; min-width: 0; }
figcaption { font-size: .875rem; max-width: 46rem; }
img { display: block; width: 100%; height: auto; }
.several img { max-width: 25rem; }
.one { max-width: 44rem; }
.several { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: .5rem 1rem; }
.scroll { overflow-x: auto; }
.scroll.one img { min-width: 34rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .75rem 0; }
caption { text-align: left; }
th, td { padding: .25rem 1.1rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #d9dee6; }
th { vertical-align: bottom; }
td:first-child { white-space: nowrap; }
details { border: 1px solid #d9dee6; border-radius: 8px; padding: .4rem .9rem; margin: .75rem 0; }
summary { cursor: pointer; }
code { font: .85em ui-monospace, Menlo, Consolas, "Liberation Mono", monospace; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } .scroll { overflow: visible; }
  .scroll.one img { min-width: 0; } }
"""
Cell = str | float | int | None


def escape(text: object) -> str:
    """Text for an element or a quoted attribute."""
    # A path may hold bytes that are no UTF-8: Python keeps them as surrogates, which no file can be written with.
    return html.escape(str(text).encode("utf-8", "replace").decode("utf-8"), quote=True)


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def missing(what: str, command: str) -> str:
    """A box that says what was not run, and the command that makes it."""
    return f'<p class="missing">{escape(what)} <code>{escape(command)}</code></p>'


def figure(pictures: Sequence[str], caption: str, wide: bool = False) -> str:
    """Pictures with a caption; `wide` ones scroll sideways where the screen is narrow."""
    kind = "several" if len(pictures) > 1 else "scroll one" if wide else "one"
    return f'<figure><div class="{kind}">{"".join(pictures)}</div><figcaption>{escape(caption)}</figcaption></figure>'


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> str:
    """A table that scrolls sideways where the screen is too narrow."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def details(summary: str, content: str) -> str:
    """A fold-out; `content` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def page(title: str, about: str, sections: Sequence[tuple[str, str]]) -> str:
    """The whole page.

    Args:
        title: plain text.
        about: the line below it, plain text.
        sections: heading and HTML of each.
    """
    places = [f'<a href="#part{i}">{escape(name)}</a>' for i, (name, _) in enumerate(sections)]
    body = [f'<h2 id="part{i}">{escape(name)}</h2>{content}' for i, (name, content) in enumerate(sections)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>{paragraph(about, 'soft')}<nav>{''.join(places)}</nav>"
        + "\n".join(body)
        + "</body></html>\n"
    )


def _shown(cell: Cell) -> str:
    if cell is None:
        return "\N{EN DASH}"
    return f"{cell:.4g}" if isinstance(cell, float) else escape(cell)
