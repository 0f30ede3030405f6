"""Small data sets in each layout, drawn on the spot."""

import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

BOX = (10, 20, 40, 50)
"""r_min, c_min, r_max, c_max in SPARK's own row-first order."""


def draw(path: Path, box: tuple[int, int, int, int] = BOX, size: tuple[int, int] = (64, 96)) -> None:
    """A bright target in its row-first box on dark sky, with a margin that no other path has; size: height, width."""
    rgb = np.full((*size, 3), 8, np.uint8)
    number = zlib.crc32(str(path).encode())
    for block in range(min(12, size[1] // 8)):
        rgb[:8, 8 * block : 8 * block + 8] += np.uint8(12 * (number >> 2 * block & 3))
    rgb[box[0] : box[2], box[1] : box[3]] = 200
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb)


@pytest.fixture
def drawn() -> Callable[..., None]:
    return draw


@pytest.fixture
def spark2022(tmp_path: Path) -> Path:
    """12 images of each of two satellites to train on; 4 of each and 5 of debris in val."""
    root = tmp_path / "set2022"
    for source, counts in (
        ("train", {"soho": 12, "cheops": 12}),
        ("val", {"soho": 4, "cheops": 4, "debris": 5}),
    ):
        lines = ["filename,class,bbox"]
        for label, number in counts.items():
            for index in range(number):
                draw(root / source / f"{label}{index:02d}.jpg")
                lines.append(f'{label}{index:02d}.jpg,{label},"[10, 20, 40, 50]"')
        (root / f"{source}.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def spark2021(tmp_path: Path) -> Path:
    """The 2021 layout with its traps: `.png` in the table and `.jpg` on disk, Windows line ends, a BOM."""
    root = tmp_path / "set2021"
    for source in ("train", "validate"):
        lines = ["\ufeffclass, id, image, depth, bbox, illumination"]
        for label in ("AcrimSat", "Debris", "TRMM"):
            for index in range(6):
                draw(root / source / f"{source}_rgb" / label / f"image_{index:05d}_img.jpg")
                cells = f'image_{index:05d}_img.png,image_{index:05d}_depth.png, "[10, 20, 40, 50]" ,0.5'
                lines.append(f"{label},{index},{cells}")
        table = root / source / f"{source}_labels.csv"
        table.write_bytes("\r\n".join(lines).encode())
    return root


@pytest.fixture
def spark2024(tmp_path: Path) -> Path:
    """The 2024 layout: one table for all parts, column first, its name not fixed."""
    root = tmp_path / "set2024"
    lines = ["Class,Image name,Mask name,Bounding box"]
    for label in ("Cheops", "SOHO"):
        for index in range(8):
            source = "val" if index < 2 else "train"
            draw(root / "images" / label / source / f"image_{index:05d}_img.jpg")
            draw(root / "mask" / label / source / f"image_{index:05d}_layer.jpg")
            lines.append(f'{label},image_{index:05d}_img.jpg,image_{index:05d}_layer.jpg,"[20, 10, 50, 40]"')
    (root / "all labels.csv").write_text("\n".join(lines))
    return root
