"""Pooling a map over a box."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from train.backbones.trunk import spread
from train.box_pool import BoxPool

HEIGHT, WIDTH = 192, 256  # a map of 6 x 8 cells, 32 px each
STAGE = np.random.default_rng(0).standard_normal((5, 6, 8)).astype(np.float32)
Array = npt.NDArray[np.float64]


def pooled(*box: float, margin: float = 0.0) -> tuple[Array, Array]:
    with torch.inference_mode():
        mean, std = BoxPool((HEIGHT, WIDTH), margin)(
            torch.from_numpy(STAGE)[None], torch.tensor([box], dtype=torch.float32)
        )
    return mean[0].double().numpy(), std[0].double().numpy()


def covered(low: float, high: float, cells: int) -> Array:
    """The length of each cell that lies between low and high (in cells), at least one cell apart."""
    if high - low < 1:
        low, high = (low + high) / 2 - 0.5, (low + high) / 2 + 0.5
    return np.array([max(0.0, min(high, cell + 1) - max(low, cell)) for cell in range(cells)], np.float64)


@pytest.mark.parametrize("seed", range(60))
def test_it_is_the_average_and_spread_over_the_covered_part_of_each_cell(seed: int) -> None:
    draw = np.random.default_rng(seed)
    margin = draw.uniform(0, 0.5)
    width, height = draw.uniform(3, 300, 2) if seed % 2 else draw.uniform(3, 60, 2)
    x, y = draw.uniform(-width / 2, WIDTH - width / 2), draw.uniform(-height / 2, HEIGHT - height / 2)
    left, right = x - margin * width, x + (1 + margin) * width
    top, bottom = y - margin * height, y + (1 + margin) * height
    weights = np.outer(covered(top / 32, bottom / 32, 6), covered(left / 32, right / 32, 8))
    weights /= weights.sum()
    mean = (STAGE * weights).sum((1, 2))
    std = np.sqrt((weights * (STAGE - mean[:, None, None]) ** 2).sum((1, 2)))
    found = pooled(x, y, x + width, y + height, margin=margin)
    np.testing.assert_allclose(found[0], mean, atol=2e-5)
    np.testing.assert_allclose(found[1], std, atol=2e-5)


def test_a_box_smaller_than_a_cell_is_interpolated_between_cells() -> None:
    mean, std = pooled(47, 79, 49, 81)  # about the middle of the cell in row 2, column 1
    np.testing.assert_allclose(mean, STAGE[:, 2, 1], atol=1e-5)
    assert std.max() < 1e-3
    np.testing.assert_allclose(pooled(63, 79, 65, 81)[0], STAGE[:, 2, 1:3].mean(1), atol=1e-5)


def test_the_whole_input_is_the_whole_map_and_outside_it_is_nothing() -> None:
    mean, std = pooled(0, 0, WIDTH, HEIGHT)
    np.testing.assert_allclose(mean, STAGE.mean((1, 2)), atol=1e-5)
    np.testing.assert_allclose(std, spread(torch.from_numpy(STAGE)[None])[0], atol=1e-5)
    # What hangs over the border does not count.
    np.testing.assert_allclose(pooled(-64, -96, 32, 32)[0], STAGE[:, 0, 0], atol=1e-5)
    assert np.isnan(pooled(-300, 10, -200, 50)[0]).all()
