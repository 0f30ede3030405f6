"""The few HTML elements of the page. Whatever comes from a file or a path goes through `escape`."""

import html
import re
from collections.abc import Sequence

Cell = str | float | int | None
_FIGURE = re.compile(r"[+-]?\d+(\.\d+)?( ?(%|±|\(|of |to ).*)?")  # a figure, with its interval or its "of 57"
_NOTHING = "\N{EN DASH}"


class Markup(str):
    """Text that is HTML already; a table's cell of this type is not escaped again."""


def escape(text: object) -> str:
    """Text for an element or a quoted attribute."""
    # A path may hold bytes that are no UTF-8: Python keeps them as surrogates, which no file can be written with.
    whole = str(text).encode("utf-8", "replace").decode("utf-8")
    return html.escape(whole, quote=True)


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def details(summary: str, content: str) -> str:
    """A fold-out; `content` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def source(text: str) -> str:
    """A configuration or the like, as it stands."""
    return f"<pre>{escape(text)}</pre>"


def figure(content: str, caption: str) -> str:
    """A picture or a plot with its caption; `content` is HTML."""
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> str:
    """A table that scrolls sideways where the screen is too narrow. Columns of figures stand to the right."""
    texts = [[_text(cell, _decimals([row[i] for row in rows])) for i, cell in enumerate(row)] for row in rows]
    right = [_is_figures([row[i] for row in texts]) for i in range(len(columns))]
    head = "".join(_cell("th", escape(name), right[i]) for i, name in enumerate(columns))
    body = "".join(f"<tr>{''.join(_cell('td', cell, right[i]) for i, cell in enumerate(row))}</tr>" for row in texts)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(tag: str, content: str, right: bool) -> str:
    return f'<{tag} class="n">{content}</{tag}>' if right else f"<{tag}>{content}</{tag}>"


def _text(cell: Cell, decimals: int) -> str:
    if cell is None:
        return _NOTHING
    if isinstance(cell, Markup):
        return cell
    if isinstance(cell, float):
        shown = f"{cell:.{decimals}f}"
        # A small number among large ones must not be shown as zero.
        return f"{cell:.2g}" if cell and abs(cell) < 10 ** (1 - decimals) else shown
    return escape(cell)


def _decimals(column: Sequence[Cell]) -> int:
    """Decimals for a column: four figures of its largest number, but none that every number would end with as 0."""
    numbers = [cell for cell in column if isinstance(cell, float)]
    if not numbers:
        return 0
    before_the_point = len(f"{max(abs(number) for number in numbers):.0f}")
    most = max(0, 4 - before_the_point)
    return max(len(f"{number:.{most}f}".rstrip("0").partition(".")[2]) for number in numbers)


def _is_figures(texts: Sequence[str]) -> bool:
    said = [text for text in texts if text != _NOTHING]
    return all(_FIGURE.fullmatch(re.sub("<[^>]*>", "", text)) for text in said)
