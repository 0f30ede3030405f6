"""Pillow's bilinear resize as matrix products: triangle weights whose support grows with the reduction."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

_BLOCK = 16  # outputs that share one run of lines: enough of them for a fast matrix product, few for a short run


def triangle_weights(low: Tensor, high: Tensor, pixels: int, out_px: int) -> Tensor:
    """Resize the span low..high (B, in pixel edges) of a line of `pixels` to `out_px`: B x out_px x pixels."""
    scale = ((high - low) / out_px)[:, None]
    centres = low[:, None] + _middles(out_px, low) * scale
    return _triangle(_middles(pixels, low) - centres[:, :, None], torch.clamp(scale, min=1.0)[:, :, None])


def resize_lines(lines: Tensor, low: Tensor, high: Tensor, out_px: int) -> Tensor:
    """The product of `triangle_weights` with the lines, without most of its zeros.

    Neighbouring outputs read neighbouring lines. So outputs are taken in blocks, each of which is multiplied with the
    short run of lines that its weights reach: for a window of 512 lines and 224 outputs a twelfth of the arithmetic.

    Args:
        lines: B x pixels x n.
        low: B, in pixel edges; with `high`, not longer than all lines.
        high: B.
        out_px: lines that come out.

    Returns:
        B x out_px x n.
    """
    batch, pixels, n = lines.shape
    blocks = -(-out_px // _BLOCK)
    scale = ((high - low) / out_px)[:, None]
    support = torch.clamp(scale, min=1.0)
    centres = (low[:, None] + _middles(blocks * _BLOCK, low) * scale).reshape(batch, blocks, _BLOCK)
    run = _run(pixels, out_px)
    # The half is the pixel's own; floor gives one line more than needed, never one less.
    first = torch.floor(centres[:, :, 0] - support - 0.5)
    first = torch.minimum(torch.clamp(first, min=0.0), (pixels - run).to(first.dtype))
    places = first[:, :, None] + torch.arange(run, dtype=low.dtype, device=low.device)
    weights = _triangle((places + 0.5)[:, :, None, :] - centres[:, :, :, None], support[:, :, None, None])
    start = torch.arange(batch, dtype=torch.int32, device=low.device)[:, None, None] * pixels
    index = (places.to(torch.int32) + start).to(torch.int32).reshape(-1)
    runs = lines.reshape(-1, n).index_select(0, index).reshape(batch, blocks, -1, n)
    resized = torch.matmul(weights, runs).reshape(batch, blocks * _BLOCK, n)
    return resized if blocks * _BLOCK == out_px else resized[:, :out_px]


def chain(sizes: Sequence[int]) -> Tensor:
    """The product of the fixed resizes from one size to the next: last x first."""
    product = torch.eye(sizes[0], dtype=torch.float64)
    for before, after in pairwise(sizes):
        span = torch.tensor([0.0], dtype=torch.float64), torch.tensor([float(before)], dtype=torch.float64)
        product = triangle_weights(*span, before, after)[0] @ product
    return product.float()


def _middles(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, dtype=like.dtype, device=like.device) + 0.5


def _triangle(distance: Tensor, support: Tensor) -> Tensor:
    """Weights that fall to nothing at `support`, of sum 1 along the last axis."""
    weights = torch.relu(1.0 - distance.abs() / support)
    return weights / weights.sum(dim=-1, keepdim=True)


def _run(pixels: Any, out_px: int) -> Any:
    """How many lines a block reaches at most: its outputs' centres and the filter's support on both sides."""
    lines = torch.as_tensor(pixels)
    reach = (_BLOCK - 1) * lines + 2 * torch.clamp(lines, min=out_px)
    return torch.minimum((reach + out_px - 1) // out_px + 2, lines)
