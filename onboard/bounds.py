"""What the manifest says of the range clamps in a graph."""

from typing import Annotated

import msgspec

from onboard.calibration import Count, Sha256

Margin = Annotated[float, msgspec.Meta(ge=0)]


class Bound(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The clamp of one tensor.

    Attributes:
        layer: the node that it stands behind.
        instead_of: `Relu` or `Clip`, whose place it took; None: it was added.
        seen: smallest and largest value on the normal frames.
        clamp: smallest and largest value that the clamp lets pass.
    """

    layer: str
    instead_of: str | None
    seen: tuple[float, float]
    clamp: tuple[float, float]


class ActivationBounds(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Range clamps, and the frames that they were made from.

    Attributes:
        margin: of maps (three dimensions or more): the seen range, with 0 in it, was widened at each end by this share
            of its width.
        vector_margin: the same of vectors, which debris moves further.
        frames: normal frames that the ranges were measured on.
        data_sha256: over these frames' contents and boxes.
        same_outputs: frames on which both graphs gave the same outputs to the last bit, these included.
        seed, kept_back: of the draw that kept these frames for this.
        model_sha256: of the graph before.
        bounds: by tensor.
        unclamped: sums of maps, which runtimes compute within a convolution, and layers that gave nothing but 0.
    """

    margin: Margin
    vector_margin: Margin
    frames: Count
    data_sha256: Sha256
    same_outputs: Count
    seed: int
    kept_back: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    model_sha256: Sha256
    bounds: dict[str, Bound]
    unclamped: tuple[str, ...] = ()
