"""The whole page: one file, without scripts, and without a thing from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from onboard import files
from onboard.errors import InputError
from train.report import comparison, folders, markup, pictures, run_section
from train.report.benchmark_folder import REMEDY, Benchmark
from train.report.run_folder import Run
from train.report.style import STYLE

# The browser itself then holds the page to what it promises: nothing is fetched, and no script runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write(given: Sequence[Path], out: Path) -> None:
    """Write the page about runs and benchmarks, whole or not at all. The same folders give the same bytes.

    Args:
        given: folders of evaluated runs and of benchmarks; one that is given twice is shown once.
        out: the file to write.

    Raises:
        InputError: a folder is neither, a file in it is damaged, or `out` is not named as a page.
    """
    # Without this, a slip of the hand replaces a run's metrics.json.
    if out.suffix.lower() not in (".html", ".htm") or out.is_dir():
        raise InputError(f"{out}: the page needs a file name that ends in .html")
    chosen = list({folder.resolve(): folder for folder in given}.values())
    files.write_text(out, _page(folders.names(chosen), [folders.read(folder) for folder in chosen]))


def _page(names: list[str], read: list[Run | Benchmark]) -> str:
    runs = [(name, one) for name, one in zip(names, read, strict=True) if isinstance(one, Run)]
    sections = [("Runs compared", comparison.section(runs))] if len(runs) > 1 else []
    number = 0  # a run keeps the colour that it has among the runs compared
    for name, one in zip(names, read, strict=True):
        if isinstance(one, Run):
            sections.append((name, run_section.section(one, number)))
            number += 1
        else:
            sections.append((name, _benchmark(one)))
    title = f"Report: {', '.join(names)}"
    places = [f'<a href="#part{i}">{markup.escape(name)}</a>' for i, (name, _) in enumerate(sections)]
    body = [f'<h2 id="part{i}">{markup.escape(name)}</h2>{content}' for i, (name, content) in enumerate(sections)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{markup.escape(title)}</title><style>{STYLE}</style></head>\n<body><h1>Satellites and debris: "
        f"how well they are told apart</h1>"
        + (f"<nav>{''.join(places)}</nav>" if len(places) > 1 else "")
        + "\n".join(body)
        + "</body></html>\n"
    )


def _benchmark(benchmark: Benchmark) -> str:
    parts = [markup.paragraph(str(benchmark.folder), "soft")]
    for table in benchmark.tables:
        parts.append(f"<h3>{markup.escape(table.title)}</h3>")
        if table.caption:
            parts.append(markup.paragraph(table.caption))
        parts.append(markup.table(table.columns, table.rows))
        plots = [pictures.embed(benchmark.folder / name, f"{table.title}: {name}", REMEDY) for name in table.plots]
        if plots:
            parts.append('<div class="pair">{}</div>'.format("".join(f"<figure>{plot}</figure>" for plot in plots)))
    return "".join(parts)
