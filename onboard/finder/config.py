"""What the finder is told. The defaults were chosen on training images only; docs/finder.md."""

from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class FinderConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How an object is found and followed.

    Attributes:
        side_px: the frame is reduced until its longer side has this many pixels; never enlarged.
        noise_sigmas: a pixel is bright from so many standard deviations of the background above it.
        least_levels: and from so many grey levels above it, for frames without noise.
        least_area: of a part, as a share of the reduced frame's area; smaller ones are stars, hot pixels and noise.
        join: parts belong together where the gap between them is at most this many times the smaller part's longer
            side.
        glow: what is dimmer than this share of an object's own light (95th percentile) is its glow, not itself.
        limb_area, limb_border: a part that has at least this share of the frame's area and touches the border over
            this share of its longer side is the Earth.
        rival: objects with at least this share of the strongest one's light can continue a track.
        overlap: a found object continues a track where its box has at least this intersection over union with the
            predicted one.
        bridge_frames: so many frames in a row, those that never came among them, are given the predicted box; 0: none.
    """

    side_px: Annotated[int, msgspec.Meta(ge=64, le=1024)] = 320
    noise_sigmas: Annotated[float, msgspec.Meta(gt=0, le=100)] = 3.0
    least_levels: Annotated[float, msgspec.Meta(ge=0, le=255)] = 2.0
    least_area: Share = 6e-4
    join: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.7
    glow: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.04
    limb_area: Share = 0.02
    limb_border: Annotated[float, msgspec.Meta(gt=0, le=4)] = 0.8
    rival: Share = 0.25
    overlap: Share = 0.3
    bridge_frames: Annotated[int, msgspec.Meta(ge=0, le=100)] = 3
