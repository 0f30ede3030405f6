"""What is done to a frame before the crop: plain data, so that it stands in configurations and in cache keys."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from onboard.crop_spec import CropSpec

Pixels = Annotated[float, msgspec.Meta(ge=8, le=4096)]
Share = Annotated[float, msgspec.Meta(ge=0, le=0.5)]
# One strength for all views, or [least, most], from which each view draws its own. What they may be is looked at below:
# msgspec 0.22 crashes on a union of a bounded number and a tuple.
Strength = float | tuple[float, float]
_MOST = {"match_px": 4096.0, "exposure": 100.0, "noise_levels": 255.0, "colour_noise_levels": 255.0, "blur_px": 100.0}
_LEAST = {"match_px": 8.0}


class Recipe(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One way to make views of samples. Steps happen in the order of the attributes; all are off by default.

    But what a camera does to the light is done as a camera does it: blur, then exposure, then noise. Its strengths are
    numbers, or [least, most], from which each view of each sample draws its own uniformly.

    Attributes:
        reduce_to_px: [least, most]: a frame whose box is longer than a length drawn uniformly from this range is
            reduced to it; the noise that the reduction takes away is put back, and the frame is encoded again as its
            file is (see `reduction.reduced`).
        reduce: whom `reduce_to_px` is for: `normals`, so that they come as small as the debris are, or `all`.
        match_px: frames whose box is longer than this are reduced until it is this long, anomalies too; or a range.
        shift: the box is moved by up to this share of its width and height, either way.
        scale: the box is made up to this share larger or smaller.
        exposure: the light above the black level is multiplied by this.
        noise_levels: standard deviation of Gaussian noise that is added, in levels; the same in all channels, as a mono
            camera's is, and the rendered noise of SPARK.
        colour_noise_levels: the same of noise that each channel has by itself, as a colour camera's has.
        blur_px: standard deviation of a Gaussian blur, in pixels of the frame as it is then.
        turns: how many of the eight flips and quarter turns are taken, each a view of its own.
        copies: views of each turn, each with draws of its own.
    """

    reduce_to_px: tuple[Pixels, Pixels] | None = None
    reduce: Literal["normals", "all"] = "normals"
    match_px: Strength | None = None
    shift: Share = 0.0
    scale: Share = 0.0
    exposure: Strength = 1.0
    noise_levels: Strength = 0.0
    colour_noise_levels: Strength = 0.0
    blur_px: Strength = 0.0
    turns: Literal[1, 2, 4, 8] = 1
    copies: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1

    def __post_init__(self) -> None:
        for name in ("reduce_to_px", *_MOST):
            value = getattr(self, name)
            least, most = value if isinstance(value, tuple) else (value, value)
            if least is not None and least > most:
                raise ValueError(f"{name} {_text(value)} must be [least, most], the smaller number first")
            if name not in _MOST or value is None:
                continue
            if not (least >= _LEAST.get(name, 0) and most <= _MOST[name] and (least > 0 or name != "exposure")):
                lowest = "above 0" if name == "exposure" else f"at least {_LEAST.get(name, 0):g}"
                raise ValueError(f"{name} {_text(value)} must be {lowest} and at most {_MOST[name]:g}")

    @property
    def drawn(self) -> bool:
        """Whether anything about a view is left to chance."""
        ranges = any(isinstance(getattr(self, name), tuple) for name in _MOST)
        return ranges or any((self.reduce_to_px, self.shift, self.scale, self.noise_levels, self.colour_noise_levels))

    @property
    def spares_anomalies(self) -> bool:
        """Whether normals and anomalies are not treated alike."""
        return self.reduce_to_px is not None and self.reduce == "normals"


def _text(value: float | tuple[float, float]) -> str:
    """As it stands in a configuration."""
    return f"[{', '.join(f'{each:g}' for each in value)}]" if isinstance(value, tuple) else f"{value:g}"


def refuse_on_whole_frames(recipes: Iterable[Recipe], spec: CropSpec) -> None:
    """Raises:
    ValueError: the network sees whole frames, all of one size, and a recipe would change a frame's size.
    """
    for recipe in recipes if spec.whole else ():
        smaller = [name for name in ("reduce_to_px", "match_px") if getattr(recipe, name) is not None]
        if smaller:
            raise ValueError(
                f"{smaller[0]} makes frames smaller, but with 'crop.view: frame' all must be of frame_px; leave it out "
                "(turns, shift, scale, exposure, blur_px and both kinds of noise work on whole frames)"
            )
        height, width = spec.frame_hw
        if recipe.turns == 8 and height != width:
            raise ValueError(
                f"turns: 8 takes quarter turns, which make {width} x {height} of the {height} x {width} frames of "
                "'crop.view: frame'; set turns: 4"
            )


class View(msgspec.Struct, frozen=True, omit_defaults=True):
    """One view: a recipe, which of its turns (0 to 7), and the number that its random draws depend on."""

    recipe: Recipe = Recipe()
    turn: int = 0
    draw: int = 0


PLAIN = View()


def views(recipe: Recipe, seed: int = 0) -> list[View]:
    """All views that a recipe gives of one sample, for a seed."""
    single = msgspec.structs.replace(recipe, turns=1, copies=1)
    return [
        View(single, turn, 0 if not single.drawn else (seed * recipe.copies + copy) * 8 + turn)
        for copy in range(recipe.copies)
        for turn in range(recipe.turns)
    ]
