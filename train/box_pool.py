"""Pooling a map over a box, for networks that see the whole frame. One definition for features, graph and flight."""

import torch
from torch import Tensor, nn


class BoxPool(nn.Module):
    """Average and spread of a map over a box and its margin.

    Each cell counts by the share of it that the box covers: max(0, 1 - what is missing) along each axis, one matrix
    product. A box narrower than a cell is taken as one cell wide about its own centre, which is bilinear
    interpolation there. Cells that the map does not have count for nothing, so a box that crosses the border is pooled
    over what is inside.

    Args:
        input_hw: height and width of the network's input, which the map covers evenly.
        margin: added on each side of the box, as a share of it.
    """

    def __init__(self, input_hw: tuple[int, int], margin: float) -> None:
        super().__init__()
        self.input_hw, self.margin = input_hw, margin

    def forward(self, stage: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Average and spread, B x C each.

        Args:
            stage: float32 B x C x h x w.
            box: float32 B x 4: x_min, y_min, x_max, y_max in pixels of the network's input. One that lies outside
                gives NaN.
        """
        _, channels, height, width = (int(size) for size in stage.shape)
        rows = self._weights(box[:, 1], box[:, 3], height, self.input_hw[0])
        columns = self._weights(box[:, 0], box[:, 2], width, self.input_hw[1])
        weights = (rows[:, :, None] * columns[:, None, :]).reshape(-1, height * width, 1)
        cells = stage.reshape(-1, channels, height * width)
        mean = torch.matmul(cells, weights)
        # As `train.backbones.trunk.spread`, with weights.
        variance = torch.matmul((cells - mean).square(), weights)
        return mean.squeeze(2), (variance + 1e-12).sqrt().squeeze(2)

    def _weights(self, low: Tensor, high: Tensor, cells: int, pixels: int) -> Tensor:
        """How much each cell of a line counts, B x cells, sum 1."""
        centre = (low + high) * (cells / pixels / 2)
        half = (high - low) * ((1 + 2 * self.margin) * cells / pixels / 2)
        middles = torch.arange(cells, dtype=low.dtype, device=low.device) + 0.5
        # From 1 where a cell lies inside to 0 where it ends at the box's edge; half is at least half a cell.
        missing = (middles - centre[:, None]).abs() + 0.5 - half.clamp(min=0.5)[:, None]
        weights = torch.relu(1.0 - torch.relu(missing))
        return weights / weights.sum(dim=1, keepdim=True)
