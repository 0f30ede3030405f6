"""A bundle's copy to be spoilt, signed or flipped."""

import shutil
import stat
from pathlib import Path


def copied(bundle: Path, to: Path) -> Path:
    """Copy a bundle so that its owner may write the copy: what flies is often kept read-only.

    Args:
        bundle: its folder.
        to: must not be there yet.

    Returns:
        `to`.
    """
    shutil.copytree(bundle, to)
    for path in (to, *to.rglob("*")):
        path.chmod(path.stat().st_mode | (stat.S_IRWXU if path.is_dir() else stat.S_IRUSR | stat.S_IWUSR))
    return to
