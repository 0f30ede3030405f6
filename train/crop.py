"""The crop as a torch module: uint8 window and box in, normalised backbone input out. The project's only resize.

It is exported with the backbone, so that training, ONNX Runtime and TensorRT run one preprocessing. Whole frames are
resized with its weights too (`train.whole_frame`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from onboard.crop_spec import CropSpec
from train.resize import chain, resize_lines


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
        self.register_buffer("onwards", chain([*spec.via_px, spec.input_hw[0]]) if spec.via_px else torch.empty(0))

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
        # Rows first: what the columns' step then turns around is smaller.
        rows = self._shrink(pixels.reshape(batch, height, width * 3), pooling, box[:, 1], box[:, 3], self.first_hw[0])
        out_h = rows.shape[1]
        lines = rows.transpose(1, 2).reshape(batch, width, 3 * out_h)
        columns = self._shrink(lines, pooling, box[:, 0], box[:, 2], self.first_hw[1])
        resized = columns.transpose(1, 2).reshape(batch, 3, out_h, columns.shape[1])
        return (chosen_channels(resized, self.channels) - self.mean) / self.std

    def _pooling(self, height: int) -> Any:
        """By how much windows larger than pool_above_px are pooled. One expression, for the graph has no branch."""
        return torch.clamp(torch.as_tensor(height) // self.pool_above_px, min=1)

    def _shrink(self, lines: Tensor, pooling: Any, low: Tensor, high: Tensor, first_px: int) -> Tensor:
        """Pool B x lines x n along its lines, and resize the span low..high (pooled lines) of them."""
        batch, count, n = lines.shape
        pooled = lines.reshape(batch, count // pooling, pooling, n).mean(dim=2)
        resized = resize_lines(pooled, low, high, first_px)
        return torch.matmul(self.onwards, resized) if self.has_via else resized


def chosen_channels(planes: Tensor, channels: str) -> Tensor:
    """From RGB, B x 3 x H x W, to what the backbone takes: rgb, bgr or grey."""
    if channels == "rgb":
        return planes
    red, green, blue = planes.split(1, dim=1)
    if channels == "bgr":
        return torch.cat([blue, green, red], dim=1)
    return 0.299 * red + 0.587 * green + 0.114 * blue
