"""Every frame through both networks."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onboard import image
from onboard.bundle import Bundle
from onboard.compare.networks import Network
from onboard.compare.outputs import Array, Figures, PoseOutput, difference, wrong_shape
from onboard.config import Source
from onboard.errors import InputError
from onboard.replay import Item, items
from onboard.window import BoxError, cut

LOGIT, IMAGE = "debris_logit", "image"


@dataclass
class Compared:
    """What was found.

    Attributes:
        figures: of each output, one entry a frame.
        identical: in how many frames each output is the same to the bit.
        frames: that were compared.
        left_out: reasons of the frames that were not, and how many.
        feeds: the last frame's, for both networks; for the power.
    """

    figures: dict[str, list[Figures]] = field(default_factory=dict)
    identical: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    feeds: tuple[dict[str, Array], dict[str, Array]] = ({}, {})


def compare(
    pose: Network, crop: Network, fused: Network, bundle: Bundle, source: Source, kinds: Mapping[str, PoseOutput]
) -> Compared:
    """Run both on the image that the bundle's preprocessing makes of each frame and its box.

    Args:
        pose: the old network.
        crop: the bundle's preprocessing alone.
        fused: the bundle's graph.
        bundle: checked.
        source: frames and boxes.
        kinds: which output is what; those without an entry are plain.

    Raises:
        InputError: the networks' outputs do not fit each other or the kinds; no frame can be compared.
    """
    refuse_unfit(pose, fused, kinds)
    found = Compared(figures={name: [] for name in pose.outputs})
    for item in items(source):
        feed = _window(item, bundle, source, found.left_out)
        if feed is None:
            continue
        fed = {pose.inputs[0]: crop.run(feed)[IMAGE]}
        old, new = pose.run(fed), fused.run(feed)
        for name, value in old.items():
            output = kinds.get(name, PoseOutput())
            _refuse_shapes(name, output, value, new[name])
            found.figures[name].append(difference(output, value, new[name]))
            found.identical[name] += int(np.array_equal(value, new[name]))
        found.frames += 1
        found.feeds = fed, feed
    if not found.frames:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in found.left_out.items())
        raise InputError(f"{source.folder}: none of its frames can be compared ({reasons})")
    return found


def refuse_unfit(pose: Network, fused: Network, kinds: Mapping[str, PoseOutput]) -> None:
    """Raises:
    InputError: the bundle lacks an output of the old network, or a kind is given for an output that there is not.
    """
    theirs = [name for name in fused.outputs if name != LOGIT]
    if missing := [name for name in pose.outputs if name not in theirs]:
        raise InputError(
            f"the pose network's output '{missing[0]}' is none of the bundle's ({', '.join(theirs)}): these are two "
            "different networks; give the one that the bundle was fused from, or export it with the same output names"
        )
    if unknown := [name for name in kinds if name not in pose.outputs]:
        raise InputError(
            f"pose_outputs: '{unknown[0]}' is no output of the pose network; it has {', '.join(pose.outputs)}"
        )


def _window(item: Item, bundle: Bundle, source: Source, left_out: Counter[str]) -> dict[str, Array] | None:
    if item.box is None:
        left_out["no_box"] += 1
        return None
    try:
        window = cut(image.read(item.path, source.grey), item.box, bundle.manifest.crop)
    except InputError:
        left_out["frame_unusable"] += 1
    except BoxError as error:
        left_out[error.reason] += 1
    else:
        return {"window": window.pixels[None], "box": window.region[None]}
    return None


def _refuse_shapes(name: str, output: PoseOutput, old: Any, new: Any) -> None:
    if old.shape != new.shape:
        raise InputError(f"output '{name}' is {list(old.shape)} in the old network and {list(new.shape)} in the bundle")
    if why := wrong_shape(output.kind, old.shape):
        raise InputError(f"pose_outputs: output '{name}': {why}; set its kind to another")
