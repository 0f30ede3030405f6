"""The optional file `kinds.csv`: finer kinds of object than the classes, for reports by kind of debris."""

from dataclasses import replace
from pathlib import Path

from onboard.errors import InputError
from train.data import csv_table
from train.data.defects import Defect
from train.data.images import Images
from train.data.samples import Sample

FILE = "kinds.csv"


def apply(root: Path, images: Images, samples: list[Sample]) -> tuple[list[Sample], list[Defect], list[str]]:
    """Set each sample's kind from `kinds.csv` (columns `filename,kind`; filename as `val/img01.jpg`).

    Returns:
        The samples, the file's defects, and warnings of rows that name no image. Without the file, the
        samples as they are.
    """
    path = root / FILE
    if not path.is_file():
        return samples, [], []
    try:
        table = csv_table.read(path)
    except InputError as error:
        return samples, [Defect("unreadable-labels", FILE, 0, str(error))], []
    missing = [name for name in ("filename", "kind") if name not in table.columns]
    if missing:
        return samples, [Defect("missing-column", FILE, 1, f"no column {', '.join(missing)}")], []
    kinds: dict[str, str] = {}
    lost = []
    for row in table.rows:
        key = images.find(row.cells["filename"].replace("\\", "/"))
        if key is None:
            lost.append(f"{FILE}:{row.line} ({row.cells['filename']})")
        else:
            kinds[key] = row.cells["kind"]
    warnings = [f"{FILE}: {len(lost)} rows name no image: {', '.join(lost[:3])}"] if lost else []
    # An empty cell falls back to the label, as Sample does.
    return [replace(s, kind=kinds.get(s.key) or s.label) for s in samples], [], warnings
