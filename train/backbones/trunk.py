"""A frozen backbone as a chain of named parts, or as a library model that gives all its maps at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

POOLED = "pooled"


@dataclass(frozen=True)
class Normalisation:
    """What the backbone was trained with: (grey level - mean) / std per RGB channel, in grey levels 0..255."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = Normalisation(
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    std=(0.229 * 255, 0.224 * 255, 0.225 * 255),
)


class Backbone(nn.Module):
    """Parts run one after the other; the maps behind some of them have names.

    Always in evaluation mode and without gradients, whatever `train()` is told.

    Args:
        parts: the chain, in order.
        taps: which parts' outputs are stages, and their names; the last one's average is the pooled vector.
    """

    def __init__(self, parts: Sequence[nn.Module], taps: Mapping[int, str]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.taps = dict(taps)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        super().train(False)

    def train(self, mode: bool = True) -> "Backbone":
        """Stays in evaluation mode: the backbone is frozen."""
        return self

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        """The stages' maps by name, B x C x h x w each, of normalised input B x 3 x H x W."""
        found = {}
        for index, part in enumerate(self.parts):
            x = part(x)
            if index in self.taps:
                found[self.taps[index]] = x
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Global averages of all stages by name, B x C each; the last stage's is called `pooled`."""
        averages = {name: stage.mean(dim=(2, 3)) for name, stage in self.maps(x).items()}
        last = list(averages)[-1]
        averages[POOLED] = averages.pop(last)
        return averages

    def channels(self, input_px: int = 64) -> dict[str, int]:
        """The length of each vector that `forward` gives."""
        with torch.no_grad():
            return {name: vector.shape[1] for name, vector in self(torch.zeros(1, 3, input_px, input_px)).items()}


class MapsBackbone(Backbone):
    """A model that returns the list of its stages' maps (timm's `features_only`)."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__([model], {})
        self.names = list(names)

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.names, self.parts[0](x), strict=True))
