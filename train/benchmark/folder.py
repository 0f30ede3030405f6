"""A benchmark's folder: what it must not be, and what is written there once all cells are there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from onboard import files, strict_yaml
from onboard.errors import InputError
from train import distributed, lock
from train.benchmark import table
from train.benchmark.plot import methods_plot
from train.benchmark.run import Outcome
from train.benchmark.tables import NAMES
from train.report.benchmark_folder import CELLS, TABLES
from train.runs import CHECKPOINT, CONFIG, HEAD, PROVENANCE

PLOT = "methods.png"


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the folder while the block runs, in the first process for all of them.

    Raises:
        InputError: it holds something else, another process holds it, or it cannot be written to.
    """
    with ExitStack() as stack:
        refusal = None
        if distributed.rank() == 0:
            try:
                _refuse_other(out)
                stack.enter_context(lock.held(out, "benchmark", wait=False))
                (out / CELLS).mkdir(exist_ok=True)  # by which an unfinished benchmark is known
            except (InputError, OSError) as error:
                refusal = error
        # The others must not wait for a first process that has ended.
        refusal = distributed.from_first(refusal)
        if refusal is not None:
            raise refusal
        yield


def _refuse_other(out: Path) -> None:
    """Refuse a folder that holds a fitted run, or any other configuration than a benchmark's.

    Raises:
        InputError: it does.
    """
    found = [name for name in (HEAD, CHECKPOINT) if (out / name).exists()]
    if (out / CONFIG).exists() and not _is_benchmarks(out / CONFIG):
        found.append(f"a {CONFIG} that is not a benchmark's")
    if found:
        raise InputError(
            f"{out}: holds {' and '.join(found)}, as a fitted run does, which a benchmark would spoil; give another "
            "folder with --out"
        )


def _is_benchmarks(config: Path) -> bool:
    try:
        return "protocols" in strict_yaml.parse_file(config)
    except InputError:
        return False


def write(out: Path, outcome: Outcome, tables: list[table.Table], told: str, provenance: dict[str, Any]) -> None:
    """Write configuration, provenance, plot and tables, and remove the tables of another configuration.

    Stopped in between, the folder is an unfinished benchmark: what the report reads goes first and comes last.
    """
    (out / TABLES).unlink(missing_ok=True)
    for name in NAMES - {one.name for one in tables}:
        (out / f"{name}.csv").unlink(missing_ok=True)
    files.write_text(out / CONFIG, strict_yaml.dump(outcome.config))
    files.write_text(out / PROVENANCE, strict_yaml.dump(provenance))
    methods_plot(out / PLOT, outcome)
    tables[0].plots.append(PLOT)
    table.write(tables, out, told)
