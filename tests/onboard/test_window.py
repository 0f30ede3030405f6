"""The window that the host cuts."""

import numpy as np
import pytest

from onboard.crop_spec import CropSpec
from onboard.window import BoxError, cut

FRAME = np.random.default_rng(1).integers(1, 256, (900, 1600, 3)).astype(np.uint8)


@pytest.mark.parametrize("seed", range(200))
def test_the_window_shows_the_frame_at_its_place_and_black_beyond(seed: int) -> None:
    draw = np.random.default_rng(seed)
    width, height = draw.uniform(3, 1000, 2)
    x, y = draw.uniform(-width / 2, 1600 - width / 2), draw.uniform(-height / 2, 900 - height / 2)
    spec = CropSpec(margin=draw.uniform(0, 0.3), aspect=draw.choice(["square", "stretch"]))
    window = cut(FRAME, (x, y, x + width, y + height), spec)
    n = window.pixels.shape[0]
    assert window.pixels.shape == (n, n, 3) and n in spec.windows and window.pixels.flags.c_contiguous
    x_min, y_min, x_max, y_max = window.region
    # The region and the filter's support lie inside the window, centred on the box.
    support = max((x_max - x_min) / 224, (y_max - y_min) / 224, spec.pooling(n))
    assert min(x_min, y_min) - support >= 0 and max(x_max, y_max) + support <= n
    left = round(x + width / 2 - float(x_min + x_max) / 2)
    top = round(y + height / 2 - float(y_min + y_max) / 2)
    padded = np.pad(FRAME, ((1024, 1024), (1024, 1024), (0, 0)))
    np.testing.assert_array_equal(window.pixels, padded[top + 1024 :, left + 1024 :][:n, :n])


def test_edge_padding_repeats_the_border() -> None:
    small = FRAME[:32, :32]
    window = cut(small, (0, 0, 32, 32), CropSpec(margin=0, windows=(64,), padding="edge"))
    np.testing.assert_array_equal(window.pixels, np.pad(small, ((16, 16), (16, 16), (0, 0)), mode="edge"))


def test_the_smallest_window_is_taken() -> None:
    sizes = [cut(FRAME, (100, 100, 100 + s, 100 + s), CropSpec(margin=0)).pixels.shape[0] for s in (3, 245, 300, 510)]
    assert sizes == [256, 256, 512, 1024]


def test_a_margin_too_large_for_the_largest_window_shrinks() -> None:
    window = cut(FRAME, (10, 10, 1000, 400), CropSpec(margin=0.2))
    assert window.pixels.shape[0] == 1024 and window.region[2] - window.region[0] > 990


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((10, 10, 10, 50), "box_empty"),
        ((50, 10, 10, 50), "box_empty"),
        ((float("nan"), 10, 20, 50), "box_not_finite"),
        ((10, 10, float("inf"), 50), "box_not_finite"),
        ((1600, 10, 1700, 50), "box_outside_frame"),
        ((10, -80, 50, 0), "box_outside_frame"),
        ((0, 0, 1500, 300), "box_too_large"),
        ((10, 10, 10.5, 50), "box_too_small"),
        ((-900, 0, 50, 100), "box_mostly_outside"),
    ],
)
def test_boxes_that_allow_no_verdict(box: tuple[float, float, float, float], reason: str) -> None:
    with pytest.raises(BoxError) as error:
        cut(FRAME, box, CropSpec())
    assert error.value.reason == reason
