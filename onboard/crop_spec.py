"""How a box becomes the backbone's input: what a bundle's manifest says of windows, and what follows from it."""

import math
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

WindowSize = Annotated[int, msgspec.Meta(ge=64, le=4096)]
InputSide = Annotated[int, msgspec.Meta(ge=16, le=2048)]
# msgspec 0.22 crashes on a tuple of fixed length beside a bounded number.
InputSides = Annotated[tuple[InputSide, ...], msgspec.Meta(min_length=2, max_length=2)]
FrameSide = Annotated[int, msgspec.Meta(ge=16, le=8192)]
FrameSides = Annotated[tuple[FrameSide, ...], msgspec.Meta(min_length=2, max_length=2)]
Profile = int | tuple[int, int]
_CROPS_ONLY = ("aspect", "windows", "via_px", "padding", "pool_large")


class CropSpec(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How a box becomes the backbone's input.

    Attributes:
        input_px: side of the square backbone input, or its height and width.
        margin: added on each side of the box, as a share of its width and height.
        aspect: `square` grows the shorter side so that shapes keep their proportions (to the input's own aspect, where
            that is not square); `stretch` takes the box as it is.
        windows: the window sizes that exist, in pixels, ascending; one optimisation profile each.
        via_px: sizes that the crop passes through before input_px (the paper's crop: 512, then 32).
        padding: what lies beyond the frame's border: black, as space does, or the border's own pixels repeated.
        pool_large: average-pool windows that are large beside the input before the resize, which is faster. It differs
            from the exact resize by less than a grey level on average, and by more at sharp edges.
        channels: what the backbone takes; `grey` is one channel, weighted as ITU-R BT.601 has it (OpenCV, Pillow).
        view: what the backbone sees: the `crop`, where nothing is said; or the whole `frame`, whose map is then pooled
            over the box and its margin. `aspect`, `windows`, `via_px`, `padding` and `pool_large` are the crop's alone.
        frame_px: height and width of the frames, for `view: frame`.
        resize: how a whole frame becomes the input: `stretch` gives each side its own scale; `pad` keeps proportions,
            in the middle of a black (grey level 0) input.
    """

    input_px: InputSide | InputSides = 224
    margin: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05
    aspect: Literal["square", "stretch"] = "square"
    windows: Annotated[tuple[WindowSize, ...], msgspec.Meta(min_length=1)] = (256, 512, 1024)
    via_px: tuple[Annotated[int, msgspec.Meta(ge=4, le=1024)], ...] = ()
    padding: Literal["black", "edge"] = "black"
    pool_large: bool = True
    channels: Literal["rgb", "bgr", "grey"] = "rgb"
    # Absent ones are not written: manifests and cache keys of crops are what they were before there were frames.
    view: Literal["crop", "frame"] | UnsetType = UNSET
    frame_px: FrameSides | UnsetType = UNSET
    resize: Literal["stretch", "pad"] | UnsetType = UNSET

    def __post_init__(self) -> None:
        self._refuse_mixed_views()
        if list(self.windows) != sorted(set(self.windows)):
            raise ValueError(f"windows {self.windows} must ascend without repetition")
        if odd := [n for n in self.windows if n % self.pooling(n)]:
            raise ValueError(f"windows {odd} must be multiples of their pooling, {[self.pooling(n) for n in odd]}")
        if self.via_px and self.input_hw[0] != self.input_hw[1]:
            raise ValueError(f"via_px {self.via_px} goes with a square input only, not with {self.input_hw}")

    def _refuse_mixed_views(self) -> None:
        named = {"frame_px": self.frame_px, "resize": self.resize}
        if not self.whole:
            if given := [name for name, value in named.items() if value is not UNSET]:
                raise ValueError(f"{given} go with 'view: frame', a network that sees the whole frame")
            return
        if missing := [name for name, value in named.items() if value is UNSET]:
            raise ValueError(
                f"'view: frame' needs {missing}: frame_px: [height, width] of the camera's frames, and resize: stretch "
                "or pad, as the network was trained"
            )
        defaults = {field.name: field.default for field in msgspec.structs.fields(CropSpec)}
        if given := [name for name in _CROPS_ONLY if getattr(self, name) != defaults[name]]:
            raise ValueError(f"{given} are for crops; with 'view: frame' leave them out (say resize: stretch or pad)")

    @property
    def whole(self) -> bool:
        """Whether the backbone sees the whole frame."""
        return self.view == "frame"

    @property
    def frame_hw(self) -> tuple[int, int]:
        """Height and width of a whole frame; of `view: frame` alone."""
        if isinstance(self.frame_px, UnsetType):
            raise AssertionError("a crop comes from frames of any size")
        return self.frame_px[0], self.frame_px[1]

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All windows that the graph takes: sides of squares, or a whole frame's height and width."""
        return (self.frame_hw,) if self.whole else self.windows

    @property
    def window_shapes(self) -> tuple[tuple[int, int], ...]:
        """Their heights and widths; one optimisation profile each."""
        return (self.frame_hw,) if self.whole else tuple((size, size) for size in self.windows)

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the backbone's input."""
        if isinstance(self.input_px, tuple):
            return self.input_px[0], self.input_px[1]
        return self.input_px, self.input_px

    @property
    def first_hw(self) -> tuple[int, int]:
        """Height and width to which the window is resized first."""
        return (self.via_px[0], self.via_px[0]) if self.via_px else self.input_hw

    @property
    def pool_above_px(self) -> int:
        """Windows larger than this are average-pooled down to it: twice the first size, as a power of two.

        A region that needs the next larger window is then still reduced, never enlarged, after the pooling.
        """
        if not self.pool_large:
            return self.windows[-1]
        return 2 ** math.ceil(math.log2(2 * max(self.first_hw)))

    def pooling(self, window_px: int) -> int:
        """By how much a window of this size is average-pooled before the resize (1: not at all)."""
        return max(1, window_px // self.pool_above_px)
