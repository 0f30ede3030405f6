"""An earlier bench's results in a folder count for nothing once another bench has been asked for there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from hil_tests.bench import junit
from onboard import files
from onboard.errors import InputError

REPORT, JUNIT, FIGURES = "report.html", "junit.xml", "figures.json"
OF_BENCH = {REPORT: b"<title>Campaign ", JUNIT: b'<testsuite name="bench"', FIGURES: b'{\n  "run": '}
OF_LATENCY = {"latency.html": b"<title>Latency", "latency.json": b'{"environment": '}
"""Each file by name, and what such a file has near its beginning; another one is the user's own."""
_HEAD = 4096
_NOT_ENDED = "a bench began here and has not ended; look at its own output"


@contextmanager
def voided(out: Path, made: dict[str, bytes]) -> Iterator[None]:
    """Remove earlier results before anything else is done: behind a bench that was refused, as behind one that was
    killed, a CI would take an old pass for this bench's. Where there was a `junit.xml`, one with an error takes its
    place until the block writes another.

    Args:
        out: folder of the results; need not be there.
        made: the files, as above.
    """
    old = [name for name, head in made.items() if _has(out / name, head)]
    for name in old:
        (out / name).unlink()
    say = partial(_say, out / JUNIT) if JUNIT in old else _nothing
    say(_NOT_ENDED)
    try:
        yield
    except InputError as error:
        say(str(error))
        raise
    except BaseException as error:
        say(f"{type(error).__name__}: {error}")
        raise


def _say(path: Path, why: str) -> None:
    with suppress(OSError):  # without one there is no old pass either
        files.write_text(path, junit.error("bench", why))


def _nothing(_: str) -> None: ...


def _has(path: Path, head: bytes) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return head in file.read(_HEAD)
