"""Which SPARK layout a folder has, told by looking at it."""

from collections.abc import Callable
from pathlib import Path

from onboard.errors import InputError
from train.data import spark2024
from train.data.layout import Layout, Part


def find(root: Path, forced: str = "auto") -> Layout:
    """Find a data set's layout.

    Args:
        root: the data set's folder.
        forced: take this layout (see `SparkData.layout`) whatever the folder looks like.

    Raises:
        InputError: the folder is missing or empty, or has no known layout, or has several.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder of the data set ('root:' in a configuration)")
    entries = sorted(path.name for path in root.iterdir() if not path.name.startswith("."))
    if not entries:
        raise InputError(f"{root}: the folder is empty; give the folder of the data set ('root:' in a configuration)")
    makers: dict[str, Callable[[Path], Layout | None]] = {
        "spark2021": _spark2021,
        "spark2022": _spark2022,
        "spark2024": spark2024.layout,
    }
    chosen = {forced: makers[forced]} if forced != "auto" else makers
    found = [layout for maker in chosen.values() if (layout := maker(root)) is not None]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(entries[:10]) + (", ..." if len(entries) > 10 else "")
    if found:
        names = " and ".join(layout.name for layout in found)
        raise InputError(f"{root}: the folder fits the layouts {names} (it holds: {listed}); set 'layout:' to one")
    wanted = {
        "spark2021": "train_labels.csv with train/train_rgb/<Class>/",
        "spark2022": "train.csv with train/",
        "spark2024": "images/<Class>/{train,val}/ with a csv file",
    }
    needs = "; ".join(f"{name} has {wanted[name]}" for name in chosen)
    raise InputError(
        f"{root}: this does not look like {'a SPARK data set' if forced == 'auto' else forced}. "
        f"It holds: {listed}. {needs}. Set 'root:' to the folder that holds these, or 'layout:' to another"
    )


def _spark2021(root: Path) -> Layout | None:
    parts = []
    for source in ("train", "validate", "test"):
        labels = _first(root, [f"{folder}{source}_labels.csv" for folder in ("", f"{source}/", "labels/")])
        folders = [f"{source}/{source}_rgb", f"{source}_rgb"]
        folder = _first(root, [*folders, source] if labels else folders)  # `train/` alone may be of 2022
        if labels is None and (folder is None or source == "test"):  # the test images came without labels
            continue
        below = folder or f"{source}/{source}_rgb"
        patterns = tuple(f"{below}/{tail}" for tail in ("{class}/{image}", "{image}"))
        parts.append(Part(root / (labels or f"{source}_labels.csv"), source, below, patterns))
    return Layout("spark2021", "row_first", "image", "class", "bbox", tuple(parts)) if parts else None


def _spark2022(root: Path) -> Layout | None:
    parts = []
    for source in ("train", "val"):
        labels = root / f"{source}.csv"
        if labels.is_file() or (root / source).is_dir():
            parts.append(Part(labels, source, source, (f"{source}/{{image}}", "{image}")))
    if not any(part.labels.is_file() for part in parts):
        return None
    if (root / "images").is_dir() and not any((root / part.folder).is_dir() for part in parts):
        return None  # train.csv is also a likely name for the label file of 2024
    return Layout("spark2022", "row_first", "filename", "class", "bbox", tuple(parts))


def _first(root: Path, names: list[str]) -> str | None:
    return next((name for name in names if (root / name).exists()), None)
