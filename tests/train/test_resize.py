"""The blocks of short runs against the whole product."""

import pytest
import torch

from train.resize import resize_lines, triangle_weights


@pytest.mark.parametrize("pixels, out_px", [(512, 224), (256, 224), (64, 224), (300, 50), (1024, 33), (40, 7)])
def test_blocks_give_the_whole_product(pixels, out_px):
    draw = torch.Generator().manual_seed(pixels)
    spans = torch.rand(40, 2, generator=draw).sort(dim=1)[0] * (pixels - 2) + torch.tensor([0.0, 2.0])
    spans[0] = torch.tensor([0.0, float(pixels)])
    spans[1] = torch.tensor([pixels - 3.0, float(pixels)])
    spans[2] = torch.tensor([0.0, 2.0])
    low, high = spans[:, 0], spans[:, 1]
    lines = torch.rand(40, pixels, 3, generator=draw) * 255
    whole = torch.matmul(triangle_weights(low, high, pixels, out_px), lines)
    assert (resize_lines(lines, low, high, out_px) - whole).abs().max() < 1e-3
