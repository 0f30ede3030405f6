"""A benchmark's folder: what it must not be, and who may write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onboard import strict_yaml
from onboard.errors import InputError
from train import distributed, lock
from train.runs import CHECKPOINT, CONFIG, HEAD


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the folder while the block runs, in the first process for all of them.

    Raises:
        InputError: it holds something else, another process holds it, or it cannot be written to.
    """
    refuse_other(out)
    if distributed.rank() != 0:
        yield
        return
    with lock.held(out, "benchmark", wait=False):
        yield


def refuse_other(out: Path) -> None:
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
