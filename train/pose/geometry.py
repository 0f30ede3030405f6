"""Poses as the network tells them, their errors, and quarter turns of the picture."""

import torch
from torch import Tensor


def to_units(translations_m: Tensor, views: Tensor) -> Tensor:
    """Metres to the network's own units, N x 3; `views` as in `Frames`."""
    x, y, side, focal = views.unbind(1)
    depth = translations_m[:, 2]
    right = (focal * translations_m[:, 0] / depth - x) / side
    down = (focal * translations_m[:, 1] / depth - y) / side
    return torch.stack([right, down, (depth * side / focal).log()], 1)


def to_metres(units: Tensor, views: Tensor) -> Tensor:
    """The network's own units to metres in the camera's frame, N x 3."""
    x, y, side, focal = views.unbind(1)
    depth = units[:, 2].exp() * focal / side
    return torch.stack([(units[:, 0] * side + x) / focal * depth, (units[:, 1] * side + y) / focal * depth, depth], 1)


def angle_deg(a: Tensor, b: Tensor) -> Tensor:
    """The angle between rotations given as unit quaternions, N x 4 each, 0 to 180 degrees, N."""
    return 2 * torch.rad2deg((a * b).sum(1).abs().clamp(max=1).acos())


def mean_rotation(quaternions: Tensor) -> Tensor:
    """The unit quaternion, 4, whose squared chordal distance to all of N x 4 is least; signs do not matter."""
    values = quaternions.double()
    return torch.linalg.eigh(values.T @ values)[1][:, -1].to(quaternions.dtype)


def quarter_turn(crop: Tensor, rotation: Tensor, units: Tensor, turns: int) -> tuple[Tensor, Tensor, Tensor]:
    """The frame turned anticlockwise about its principal point: exact for square crops.

    Args:
        crop: 3 x S x S.
        rotation: w, x, y, z.
        units: the translation in the network's units, 3.
        turns: quarter turns, 0 to 3.
    """
    half = torch.tensor(-torch.pi / 4 * turns)
    c, s = half.cos(), half.sin()
    w, x, y, z = rotation
    turned = torch.stack([c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w])
    for _ in range(turns):
        units = torch.stack([units[1], -units[0], units[2]])
    return torch.rot90(crop, turns, (1, 2)), turned, units
