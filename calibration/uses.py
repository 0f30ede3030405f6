"""No frame both makes the graph (ranges, quantisation, choices) and calibrates it: told by hash, not by draw."""

from collections.abc import Sequence
from dataclasses import dataclass

from calibration import in_force, normal
from calibration.frames import LabelledFrame
from calibration.normal_data import NormalData
from onboard import image_hashes
from onboard.bundle import Bundle
from onboard.errors import InputError

SELECTION = "selection_images.bin"
Pairs = Sequence[tuple[str, LabelledFrame]]


@dataclass(frozen=True)
class Shares:
    """Frames by their use.

    Attributes:
        select: that the draw keeps back for quantising, clamping and selecting.
        calibrate: the others, less those that the graph was made with.
        made_graph: how many those are, that the draw had left to the calibration.
    """

    select: list[tuple[str, LabelledFrame]]
    calibrate: list[tuple[str, LabelledFrame]]
    made_graph: int


def share_out(bundle: Bundle, frames: Pairs, options: NormalData) -> Shares:
    """Which frames may be used for what, with this seed and share kept back.

    Raises:
        InputError: the bundle is older than its list of images, and the draw is not the one that its graph was made
            with.
    """
    if bundle.manifest.selection_images is None:
        normal.refuse_other_draw(bundle, options.seed, options.kept_back)
    roles = [normal.role(digest, options.seed, options.kept_back) for digest, _ in frames]
    left = [pair for pair, role in zip(frames, roles, strict=True) if role == "calibrate"]
    calibrate = [pair for pair, used in zip(left, made_graph(bundle, [d for d, _ in left]), strict=True) if not used]
    select = [pair for pair, role in zip(frames, roles, strict=True) if role == "select"]
    return Shares(select, calibrate, len(left) - len(calibrate))


def made_graph(bundle: Bundle, digests: Sequence[str]) -> list[bool]:
    """Which images the graph was made with, as far as the bundle knows."""
    made_with = _selection(bundle)
    return [image_hashes.prefix(digest) in made_with for digest in digests]


def selection(bundle: Bundle, frames: Pairs) -> bytes:
    """The list for a new graph: what the old one was made with, and these."""
    return b"".join(sorted(_selection(bundle).union(image_hashes.prefix(digest) for digest, _ in frames)))


def refuse_calibrated(bundle: Bundle, frames: Pairs, options: NormalData) -> None:
    """Refuse to make a graph with frames that the threshold rests on.

    Raises:
        InputError: there are such frames.
    """
    used = in_force.fresh(bundle, [digest for digest, _ in frames]).count(False)
    if used:
        raise InputError(
            f"{options.data}: the frame threshold was calibrated on {used} of the {len(frames)} frames that --seed "
            f"{options.seed} --kept-back {options.kept_back:g} keep back for the ranges; give the seed and share of "
            "the calibration, and where it kept none back, run 'threshold' again with a share"
        )


def _selection(bundle: Bundle) -> set[bytes]:
    name = bundle.manifest.selection_images
    return set() if name is None else image_hashes.unpack(bundle.contents[name], str(bundle.folder / name))
