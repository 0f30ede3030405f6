import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from onboard import image
from train.synth import debris, satellites
from train.synth.config import SynthConfig
from train.synth.placing import extent_px
from train.synth.plan import jobs
from train.synth.renderer import Renderer

Rendered = tuple[Path, SynthConfig]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def box(row: dict[str, str]) -> tuple[int, int, int, int]:
    """x_min, y_min, x_max, y_max of a SPARK-2022 row, which is row first."""
    r0, c0, r1, c1 = json.loads(row["bbox"])
    return c0, r0, c1, r1


def test_the_layout_is_spark_2022_s(rendered: Rendered) -> None:
    folder, config = rendered
    for part in ("train", "val"):
        table = rows(folder / f"{part}.csv")
        assert list(table[0]) == ["filename", "class", "bbox"]
        assert {row["filename"] for row in table} == {path.name for path in (folder / part).iterdir()}
        for row in table:
            x0, y0, x1, y1 = box(row)
            assert 0 <= x0 < x1 <= config.image_px
            assert 0 <= y0 < y1 <= config.image_px
    train = [row["class"] for row in rows(folder / "train.csv")]
    val = [row["class"] for row in rows(folder / "val.csv")]
    assert set(train) == set(satellites.CLASSES)
    assert val.count("debris") == config.val_debris
    assert set(val) == {*satellites.CLASSES, "debris"}
    picture = image.read(folder / "val" / "img000000.jpg")
    assert picture.shape == (config.image_px, config.image_px, 3)


def test_kinds_name_every_val_image(rendered: Rendered) -> None:
    folder, _ = rendered
    kinds = {row["filename"]: row["kind"] for row in rows(folder / "kinds.csv")}
    for row in rows(folder / "val.csv"):
        kind = kinds.pop(f"val/{row['filename']}")
        assert kind in debris.KINDS if row["class"] == "debris" else kind == row["class"]
    assert not kinds


def test_boxes_are_the_projected_bodies(rendered: Rendered) -> None:
    """The boxes come from the drawn silhouette; here, from the vertices, without drawing."""
    folder, config = rendered
    boxes = {f"{part}/{row['filename']}": box(row) for part in ("train", "val") for row in rows(folder / f"{part}.csv")}
    renderer = Renderer(config)
    for job in [job for job in jobs(config) if job.frame is None][::7]:
        scene, pose = renderer._scene(job, renderer._rng(job))
        projected = extent_px(scene.body.mesh.points, pose, scene.camera)
        assert list(boxes[job.path]) == pytest.approx(np.clip(projected, 0, config.image_px).tolist(), abs=1.6), job
    renderer.close()


def test_the_light_is_in_the_boxes(rendered: Rendered) -> None:
    """Read from the files alone, so that swapped axes or mixed-up rows are seen."""
    folder, _ = rendered
    inside = []
    for row in rows(folder / "train.csv"):
        grey = image.read(folder / "train" / row["filename"]).mean(axis=-1)
        smooth = cv2.GaussianBlur(grey, (0, 0), 4)
        y, x = np.unravel_index(int(smooth.argmax()), smooth.shape)
        x0, y0, x1, y1 = box(row)
        inside.append(x0 <= x < x1 and y0 <= y < y1)
    assert np.mean(inside) > 0.7  # not in all: the Earth is brighter


def test_no_shortcut_tells_debris_from_satellites(rendered: Rendered) -> None:
    """Size, brightness and aspect alone are worth no more than a coin.

    With 120 of either, chance alone moves an AUROC by 0.037 (one standard deviation), so 0.4..0.6 is 2.7 of them.
    """
    folder, _ = rendered
    truth, cues = [], []
    for row in rows(folder / "val.csv"):
        grey = image.read(folder / "val" / row["filename"]).mean(axis=-1)
        x0, y0, x1, y1 = box(row)
        width, height = x1 - x0, y1 - y0
        margin = round(0.1 * max(width, height))
        crop = grey[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]
        long, short = max(width, height), min(width, height)
        cues.append((width * height, grey[y0:y1, x0:x1].mean(), crop.mean(), grey.mean(), long / short))
        truth.append(row["class"] == "debris")
    names = ("box area", "box brightness", "crop brightness", "image brightness", "elongation")
    scores = {name: roc_auc_score(truth, cue) for name, cue in zip(names, np.array(cues).T, strict=True)}
    assert all(0.4 <= score <= 0.6 for score in scores.values()), scores
