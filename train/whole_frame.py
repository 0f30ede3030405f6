"""The whole frame as a torch module: uint8 frame and box in, normalised network input and the box in it out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from onboard.crop_spec import CropSpec
from train.crop import chosen_channels
from train.resize import triangle_weights

_BLOCK = 64  # outputs a matrix product


class WholeFrame(nn.Module):
    """Cast, antialiased bilinear resize of the frame, normalisation; and the box in the input's pixels.

    The resize is the crop's (Pillow's bilinear, as matrix products by rows and by columns), with constant weights.

    Args:
        spec: of `view: frame`.
        mean: subtracted, per channel that comes out, in grey levels 0..255.
        std: divided by, per channel that comes out, in grey levels.
    """

    mean: Tensor
    std: Tensor
    scale: Tensor
    offset: Tensor

    def __init__(self, spec: CropSpec, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.channels = spec.channels
        (top, height), (left, width) = shown(spec)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(-1, 1, 1))
        self.around = (left, spec.input_hw[1] - left - width, top, spec.input_hw[0] - top - height)
        self.rows = _Blocks(spec.frame_hw[0], height)
        self.columns = _Blocks(spec.frame_hw[1], width)
        scale_x, scale_y = width / spec.frame_hw[1], height / spec.frame_hw[0]
        self.register_buffer("scale", torch.tensor([scale_x, scale_y, scale_x, scale_y]))
        self.register_buffer("offset", torch.tensor([float(left), float(top), float(left), float(top)]))

    def forward(self, window: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        """Resize and normalise.

        Args:
            window: uint8 B x H x W x 3, RGB, of the spec's frame size.
            box: float32 B x 4: x_min, y_min, x_max, y_max in frame pixels.

        Returns:
            The image, float32 B x C x h x w, the height and width of input_px; and the box in its pixels, B x 4.
        """
        pixels = window.to(torch.float32)  # a Cast must come first: TensorRT takes no other operator on uint8
        batch, height, width, _ = pixels.shape
        lines = pixels.reshape(batch, height, width * 3)
        reduced = torch.cat([torch.matmul(block, lines[:, part]) for part, block in self.rows.parts()], dim=1)
        planes = reduced.reshape(batch, -1, width, 3).permute(0, 3, 1, 2)
        parts = [torch.matmul(planes[..., part], block.T) for part, block in self.columns.parts()]
        image = pad(chosen_channels(torch.cat(parts, dim=3), self.channels), self.around)
        return (image - self.mean) / self.std, box * self.scale + self.offset


def shown(spec: CropSpec) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the frame lies in the input: first pixel and length, of rows and of columns."""
    frame, whole = spec.frame_hw, spec.input_hw
    if spec.resize == "stretch":
        return (0, whole[0]), (0, whole[1])
    scale = min(whole[0] / frame[0], whole[1] / frame[1])
    height, width = (max(1, round(side * scale)) for side in frame)
    return ((whole[0] - height) // 2, height), ((whole[1] - width) // 2, width)


class _Blocks(nn.Module):
    """The weights from `pixels` to `out_px` in blocks of outputs, each of which needs few of the pixels.

    The whole matrix is nearly all zeros: a product with it would take as long as a small network.
    """

    def __init__(self, pixels: int, out_px: int) -> None:
        super().__init__()
        line = torch.tensor([0.0], dtype=torch.float64), torch.tensor([float(pixels)], dtype=torch.float64)
        whole = triangle_weights(*line, pixels, out_px)[0].float()
        self.spans = []
        for number, rows in enumerate(whole.split(_BLOCK)):
            used = rows.any(dim=0).nonzero()
            self.spans.append(slice(int(used[0]), int(used[-1]) + 1))
            self.register_buffer(f"block{number}", rows[:, self.spans[-1]].contiguous())

    def parts(self) -> list[tuple[slice, Tensor]]:
        """Which pixels a block of outputs needs, and their weights, outputs x pixels."""
        return list(zip(self.spans, self.buffers(), strict=True))
