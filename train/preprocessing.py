"""From window and box to the backbone's vectors, whatever the backbone sees: one path for features and graphs."""

from collections.abc import Sequence

import torch
from torch import Tensor

from onboard.crop_spec import CropSpec
from train.backbones.trunk import Backbone
from train.crop import Crop
from train.whole_frame import WholeFrame

Preprocessing = Crop | WholeFrame


def preprocessing(spec: CropSpec, mean: Sequence[float], std: Sequence[float]) -> Preprocessing:
    """What turns windows into the backbone's input; `mean` and `std` per channel that comes out, in grey levels."""
    return WholeFrame(spec, mean, std) if spec.whole else Crop(spec, mean, std)


def seen(
    before: Preprocessing, backbone: Backbone, window: Tensor, box: Tensor, layout: torch.memory_format | None = None
) -> dict[str, Tensor]:
    """The backbone's vectors by name, B x C each, of windows uint8 B x h x w x 3 and boxes float32 B x 4.

    The image is laid out for the backbone as `layout` says; None: as it comes, which an export needs.
    """
    made = before(window, box)
    image, *inside = made if isinstance(before, WholeFrame) else (made,)
    if layout is not None:
        image = image.contiguous(memory_format=layout)
    vectors: dict[str, Tensor] = backbone(image, *inside)
    return vectors
