"""A frozen backbone as a chain of named parts, or as a library model that gives all its maps at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from onboard.crop_spec import CropSpec

POOLED = "pooled"
SPREAD = "_std"


@dataclass(frozen=True)
class Normalisation:
    """What the backbone was trained with: (grey level - mean) / std per channel, in grey levels 0..255.

    The channels stand as the backbone takes them: three, or one for grey.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


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
        """Two vectors of each stage, B x C each: its average over the map by its name, and its spread by `name_std`.

        The last stage's are called `pooled` and `pooled_std`.
        """
        maps = self.maps(x)
        maps[POOLED] = maps.pop(list(maps)[-1])
        vectors = {name: stage.mean(dim=(2, 3)) for name, stage in maps.items()}
        return vectors | {f"{name}{SPREAD}": spread(stage) for name, stage in maps.items()}

    def channels(self, spec: CropSpec | None = None) -> dict[str, int]:
        """The length of each vector that `forward` gives for such crops."""
        height, width = spec.input_hw if spec else (64, 64)
        where = next((weight.device for weight in self.parameters()), None)  # a GPU, once it has been used there
        image = torch.zeros(1, 1 if spec and spec.channels == "grey" else 3, height, width, device=where)
        with torch.no_grad():
            return {name: vector.shape[1] for name, vector in self(image).items()}


def spread(stage: Tensor) -> Tensor:
    """Standard deviation over the map, B x C of B x C x h x w."""
    centred = stage - stage.mean(dim=(2, 3), keepdim=True)
    # A difference of squares would cancel in float32. The floor keeps the root's slope finite where a channel is flat.
    return (centred.square().mean(dim=(2, 3)) + 1e-12).sqrt()


class MapsBackbone(Backbone):
    """A model that returns the list of its stages' maps (timm's `features_only`)."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__([model], {})
        self.names = list(names)

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.names, self.parts[0](x), strict=True))
