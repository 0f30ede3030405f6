"""One frame: an object is found, and what is none is not."""

import cv2
import numpy as np
import pytest

from onboard.finder import Finder, FinderConfig
from onboard.finder.boxes import overlap
from onboard.image import Frame

WIDTH, HEIGHT = 1920, 1200


def space(seed: int = 0, stars: int = 300) -> Frame:
    """Dark space with noise and stars of up to 7 px, uint8 RGB [1200, 1920, 3]."""
    draw = np.random.default_rng(seed)
    grey = np.clip(draw.normal(22, 3, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)
    for x, y in zip(draw.integers(0, WIDTH, stars), draw.integers(0, HEIGHT, stars), strict=True):
        cv2.circle(grey, (int(x), int(y)), int(draw.integers(1, 4)), 255, -1)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def drawn(frame: Frame, box: tuple[int, int, int, int], level: int) -> Frame:
    x_min, y_min, x_max, y_max = box
    frame[y_min:y_max, x_min:x_max] = level
    return frame


@pytest.fixture(scope="module")
def finder() -> Finder:
    return Finder(FinderConfig())


@pytest.mark.parametrize("box", [(700, 400, 1000, 700), (1500, 100, 1600, 160), (0, 500, 300, 900)])
@pytest.mark.parametrize("level", [45, 200])
def test_a_lit_object_is_found_dim_and_bright_and_over_the_border(
    finder: Finder, box: tuple[int, int, int, int], level: int
) -> None:
    found = finder(drawn(space(), box, level))
    assert overlap(found.boxes[0], box) > 0.7


def test_panels_apart_from_their_body_are_one_object(finder: Finder) -> None:
    frame = space()
    for part in ((800, 500, 950, 650), (500, 540, 760, 610), (990, 540, 1250, 610)):
        drawn(frame, part, 120)
    assert overlap(finder(frame).boxes[0], (500, 500, 1250, 650)) > 0.8


def test_stars_and_a_hot_pixel_are_no_object(finder: Finder) -> None:
    frame = space(stars=500)
    frame[600, 900] = 255
    found = finder(frame)
    assert not found.boxes
    assert "specks" in found.why


def test_the_earth_is_no_object_but_what_flies_apart_from_it_is_one(finder: Finder) -> None:
    frame = space()
    cv2.circle(frame, (960, 3600), 2800, (200, 210, 220), -1)
    found = finder(frame)
    assert not found.boxes
    assert "limb" in found.why
    box = (900, 200, 1100, 350)
    assert overlap(finder(drawn(frame, box, 90)).boxes[0], box) > 0.7


def test_frames_of_any_size_and_content_get_an_answer_and_buffers_stay(finder: Finder) -> None:
    draw = np.random.default_rng(1)
    for height, width in ((1, 1), (1, 500), (5, 3), (96, 96), (480, 640)):
        for frame in (
            draw.integers(0, 256, (height, width, 3)).astype(np.uint8),
            np.full((height, width, 3), 7, np.uint8),
        ):
            for x_min, y_min, x_max, y_max in finder(frame).boxes:
                assert 0 <= x_min < x_max <= width + 1e-9
                assert 0 <= y_min < y_max <= height + 1e-9
    kept = finder.prepare(HEIGHT, WIDTH)
    finder(space())
    assert finder.prepare(HEIGHT, WIDTH) is kept
