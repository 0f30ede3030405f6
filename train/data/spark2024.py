"""SPARK 2024 and 2026: images in `images/<Class>/{train,val}/`, and label files whose names are not fixed."""

from pathlib import Path

from onboard.errors import InputError
from train.data import csv_table
from train.data.layout import Layout, Part

_IMAGE, _LABEL, _BOX = "image name", "class", "bounding box"


def layout(root: Path) -> Layout | None:
    """This layout, if the folder has it.

    Raises:
        InputError: it has the images, but no label file, or several for the same images.
    """
    sources = sorted({path.name for path in (root / "images").glob("*/*") if path.is_dir()})
    if not sources:
        return None
    parts = tuple(_part(root, labels, sources) for labels in _label_files(root, sources))
    return Layout("spark2024", "column_first", _IMAGE, _LABEL, _BOX, parts)


def _part(root: Path, labels: Path, sources: list[str]) -> Part:
    own = _own_source(root, labels, sources)
    inside = tuple(f"images/{{class}}/{source}/{{image}}" for source in ([own] if own else sources))
    return Part(labels, own, "images", (*inside, "{image}", "images/{image}"))


def _own_source(root: Path, labels: Path, sources: list[str]) -> str | None:
    """The part that a label file's folder or name tells of; None where it speaks of all parts."""
    for source in sources:
        if labels.parent != root and labels.parent.name == source:
            return source
    named = [source for source in sources if source.casefold() in labels.stem.casefold()]
    return named[0] if len(named) == 1 else None


def _label_files(root: Path, sources: list[str]) -> list[Path]:
    """The label files, known by their header; those nearest to the root count."""
    seen: list[Path] = []
    for depth in ("*.csv", "*/*.csv", "images/*/*.csv", "images/*/*/*.csv"):
        files = [path for path in sorted(root.glob(depth)) if not path.name.startswith(".")]
        seen += files
        # Two of the three columns are enough: then the third is reported as missing, not the whole file.
        fitting = [path for path in files if len({_IMAGE, _LABEL, _BOX} & set(csv_table.header(path))) >= 2]
        _refuse_rivals(root, fitting, sources)
        if fitting:
            return fitting
    listed = ", ".join(path.relative_to(root).as_posix() for path in seen[:10]) or "no csv file"
    raise InputError(
        f"{root}: no csv file has the columns 'Class', 'Image name' and 'Bounding box' of layout "
        f"spark2024 (found: {listed}); put the label file there, or set 'layout:' to another layout"
    )


def _refuse_rivals(root: Path, files: list[Path], sources: list[str]) -> None:
    """One folder may hold one label file for each part, or one for all."""
    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    for rivals in by_folder.values():
        owned = [_own_source(root, path, sources) for path in rivals]
        if len(rivals) > 1 and (None in owned or len(set(owned)) < len(owned)):
            names = " and ".join(path.relative_to(root).as_posix() for path in rivals)
            raise InputError(
                f"{root}: {names} may all be the label file of the same images; leave only one, "
                f"or name one for each of: {', '.join(sources)}"
            )
