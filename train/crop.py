"""The crop as a torch module: uint8 window and box in, normalised backbone input out. The project's only resize.

It is exported with the backbone, so that training, ONNX Runtime and TensorRT run one preprocessing. Whole frames are
resized with its weights too (`train.whole_frame`).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from onboard.window import CropSpec


class Crop(nn.Module):
    """Cast, average pooling of large windows, antialiased bilinear resize of the box, normalisation.

    The resize is Pillow's bilinear one written as two matrix products: triangle weights whose support grows with the
    reduction, cut at the window's border and normalised to sum 1.

    Args:
        spec: sizes; margin and aspect have been applied to the box already (`onboard.window`).
        mean: subtracted, per channel that comes out, in grey levels 0..255.
        std: divided by, per channel that comes out, in grey levels.
    """

    mean: Tensor
    std: Tensor
    onwards: Tensor

    def __init__(self, spec: CropSpec, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.first_hw = spec.first_hw
        self.channels = spec.channels
        self.pool_above_px = spec.pool_above_px
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(-1, 1, 1))
        self.has_via = bool(spec.via_px)
        self.register_buffer("onwards", _chain([*spec.via_px, spec.input_hw[0]]) if spec.via_px else torch.empty(0))

    def forward(self, window: Tensor, box: Tensor) -> Tensor:
        """Resize and normalise.

        Args:
            window: uint8 B x h x w x 3, RGB.
            box: float32 B x 4: x_min, y_min, x_max, y_max in window pixels.

        Returns:
            float32 B x C x H x W, the height and width of input_px; C is 3, or 1 for grey.
        """
        pixels = window.to(torch.float32)  # a Cast must come first: TensorRT takes no other operator on uint8
        batch, height, width, _ = pixels.shape
        pooling = self._pooling(height)
        box = box / pooling
        rows = self._weights(box[:, 1], box[:, 3], height // pooling, self.first_hw[0])
        columns = self._weights(box[:, 0], box[:, 2], width // pooling, self.first_hw[1])
        out_h, out_w = rows.shape[1], columns.shape[1]
        # Pooled by rows before the first product and by columns after it: ONNX Runtime is slow at a mean over an axis
        # that has only the three colours behind it, also where that axis is of length 1.
        pooled = pixels.reshape(batch, height // pooling, pooling, width * 3).mean(dim=2)
        reduced = torch.matmul(rows, pooled)
        planes = reduced.reshape(batch, out_h, width, 3).permute(0, 3, 1, 2)
        planes = planes.reshape(batch, 3 * out_h, width // pooling, pooling).mean(dim=3)
        resized = torch.matmul(planes, columns.transpose(1, 2)).reshape(batch, 3, out_h, out_w)
        return (chosen_channels(resized, self.channels) - self.mean) / self.std

    def _pooling(self, height: int) -> Any:
        """By how much windows larger than pool_above_px are pooled. One expression, for the graph has no branch."""
        return torch.clamp(torch.as_tensor(height) // self.pool_above_px, min=1)

    def _weights(self, low: Tensor, high: Tensor, pixels: int, first_px: int) -> Tensor:
        """B x out x pixels: row i holds what each pixel gives to output i."""
        weights = triangle_weights(low, high, pixels, first_px)
        return torch.matmul(self.onwards, weights) if self.has_via else weights


def chosen_channels(planes: Tensor, channels: str) -> Tensor:
    """From RGB, B x 3 x H x W, to what the backbone takes: rgb, bgr or grey."""
    if channels == "rgb":
        return planes
    red, green, blue = planes.split(1, dim=1)
    if channels == "bgr":
        return torch.cat([blue, green, red], dim=1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def triangle_weights(low: Tensor, high: Tensor, pixels: int, out_px: int) -> Tensor:
    """Resize the span low..high (B, in pixel edges) of a line of `pixels` to `out_px`: B x out_px x pixels."""
    scale = ((high - low) / out_px)[:, None]
    steps = torch.arange(out_px, dtype=low.dtype, device=low.device) + 0.5
    centres = low[:, None] + steps * scale
    places = torch.arange(pixels, dtype=low.dtype, device=low.device) + 0.5
    distance = (places - centres[:, :, None]).abs() / torch.clamp(scale, min=1.0)[:, :, None]
    weights = torch.relu(1.0 - distance)
    return weights / weights.sum(dim=2, keepdim=True)


def _chain(sizes: Sequence[int]) -> Tensor:
    """The product of the fixed resizes from one size to the next: last x first."""
    product = torch.eye(sizes[0], dtype=torch.float64)
    for before, after in pairwise(sizes):
        span = torch.tensor([0.0], dtype=torch.float64), torch.tensor([float(before)], dtype=torch.float64)
        product = triangle_weights(*span, before, after)[0] @ product
    return product.float()
