"""Which kind of folder the user gave."""

from pathlib import Path

from onboard.errors import InputError
from train.evaluate import METRICS, PREDICTIONS
from train.report import benchmark_folder, run_folder
from train.report.benchmark_folder import CELLS, REMEDY, TABLES, Benchmark
from train.report.run_folder import Run
from train.runs import CONFIG


def read(folder: Path) -> Run | Benchmark:
    """Read an evaluated run or a benchmark.

    Raises:
        InputError: the folder is neither, or a file in it cannot be used.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; give a run's or a benchmark's")
    if (folder / TABLES).is_file():
        return benchmark_folder.read(folder)
    if (folder / METRICS).is_file() or (folder / PREDICTIONS).is_file():
        return run_folder.read(folder)
    if (folder / CELLS).is_dir():
        raise InputError(f"{folder}: an unfinished benchmark, without its tables ({TABLES}); {REMEDY}")
    if (folder / CONFIG).is_file():
        raise InputError(f"{folder}: the run is not evaluated; run 'python -m train evaluate {folder}'")
    raise InputError(
        f"{folder}: neither an evaluated run ({METRICS}) nor a benchmark ({TABLES}); "
        f"make one with 'python -m train fit CONFIG' and 'python -m train evaluate RUN', "
        "or with 'python -m train benchmark CONFIG'"
    )


def names(folders: list[Path]) -> list[str]:
    """What the page calls each folder: its name, or its path where two have one name."""
    short = [folder.resolve().name for folder in folders]
    return [str(folder) if short.count(name) > 1 else name for folder, name in zip(folders, short, strict=True)]
