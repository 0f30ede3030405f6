"""python -m calibration report: one page about all that is known of a bundle's calibration."""

from pathlib import Path

from calibration.report import clamps, drifting, found, page, precisions, promise, reliability
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
    sections = [
        ("What it promises", promise.section(read)),
        ("Does it hold?", reliability.section(read)),
        ("Drift", drifting.section(read)),
        ("Precisions", precisions.section(read)),
        ("Activation bounds", clamps.section(read)),
    ]
    whole = folder.resolve()
    about = f"Bundle {read.bundle.sha256[:12]}, {read.bundle.manifest.precision}, {whole}"
    # Most bundles are called "bundle"; it is the run's name that tells.
    files.write_text(out, page.page(f"Calibration of {whole.parent.name}/{whole.name}", about, sections))
    print(f"report: {out}")
