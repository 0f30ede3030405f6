"""python -m calibration report: one page about all that is known of a bundle's calibration."""

from collections.abc import Callable
from pathlib import Path

from calibration.report import clamps, drifting, found, page, precisions, promise, reliability
from calibration.report.found import Found
from onboard import files
from onboard.errors import InputError


def report(folder: Path, cache: Path, out: Path) -> None:
    """Write the page, whole or not at all. The same results give the same bytes.

    Args:
        folder: the bundle; not changed.
        cache: folder of its scores and results.
        out: the file to write.

    Raises:
        InputError: the bundle fails its checks, results are damaged, or `out` is not named as a page.
    """
    # Without this, a slip of the hand replaces validate.json.
    if out.suffix.lower() not in (".html", ".htm") or out.is_dir():
        raise InputError(f"{out}: the page needs a file name that ends in .html")
    read = found.read(folder, cache)
    makers = {
        "What it promises": promise.section,
        "Does it hold?": reliability.section,
        "Drift": drifting.section,
        "Precisions": precisions.section,
        "Activation bounds": clamps.section,
    }
    sections = [(title, _section(title, make, read, cache)) for title, make in makers.items()]
    whole = folder.resolve()
    about = f"Bundle {read.bundle.sha256[:12]}, {read.bundle.manifest.precision}, {whole}"
    # Most bundles are called "bundle"; it is the run's name that tells.
    files.write_text(out, page.page(f"Calibration of {whole.parent.name}/{whole.name}", about, sections))
    print(f"report: {out}")


def _section(title: str, make: Callable[[Found], str], read: Found, cache: Path) -> str:
    try:
        return make(read)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{cache}: the results for '{title}' are damaged or of another version ({error!r}); run the commands that "
            "wrote them again, or remove them"
        ) from error
