"""The reference pose network: a trunk, a rotation head and a translation head."""

import torch
from torch import Tensor, nn

from train.backbones import registry
from train.backbones.registry import BackboneOptions
from train.backbones.trunk import Backbone, Normalisation

INPUT_PX = 224


class PoseNetwork(nn.Module):
    """Normalised crop in, pose out.

    The trunk stays in evaluation mode (its batch statistics are the ones it came with), but its weights are trained.

    Args:
        trunk: gives the maps; the average of the last one feeds both heads.
    """

    def __init__(self, trunk: Backbone) -> None:
        super().__init__()
        self.trunk = trunk.requires_grad_(True)
        width = trunk.channels()["pooled"]
        self.rotation = nn.Linear(width, 6)
        self.translation = nn.Linear(width, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Rotation and translation of a normalised crop, float32 B x 3 x 224 x 224.

        Returns:
            Unit quaternions w, x, y, z (body to camera), B x 4; translation, B x 3: the body's origin from the crop's
            middle, right and down, over the crop's side, and the natural logarithm of its depth in metres times the
            crop's side over the focal length.
        """
        last = list(self.trunk.maps(image).values())[-1]
        pooled = last.mean(dim=(2, 3))
        return matrix_to_quaternion(orthonormal(self.rotation(pooled))), self.translation(pooled)


def reference_pose_network(trunk: str = "efficientnet_lite0", weights: str = "random", seed: int = 0) -> PoseNetwork:
    """A pose network whose heads are untrained, in evaluation mode.

    Args:
        trunk: the name of a built-in backbone.
        weights: as `backbone.weights` in a run's configuration.
        seed: of the heads' weights.

    Raises:
        InputError: the name is not known, or the weights are not there or do not fit.
    """
    return network_and_normalisation(trunk, weights, seed)[0]


def network_and_normalisation(trunk: str, weights: str, seed: int) -> tuple[PoseNetwork, Normalisation]:
    """The network as `reference_pose_network` makes it, and how its input is normalised."""
    loaded = registry.load(BackboneOptions(trunk, weights))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PoseNetwork(loaded.module).eval(), loaded.normalisation


def orthonormal(six: Tensor) -> Tensor:
    """Rotation matrices, B x 3 x 3, whose first two columns come from B x 6 by Gram and Schmidt's method."""
    first = _unit(six[:, :3])
    rest = six[:, 3:]
    second = _unit(rest - (first * rest).sum(1, keepdim=True) * first)
    a, b, c = (first[:, i : i + 1] for i in range(3))
    d, e, f = (second[:, i : i + 1] for i in range(3))
    third = torch.cat([b * f - c * e, c * d - a * f, a * e - b * d], dim=1)  # torch.cross is no ONNX operator
    return torch.stack([first, second, third], dim=2)


def matrix_to_quaternion(matrix: Tensor) -> Tensor:
    """Unit quaternions w, x, y, z, B x 4, of rotation matrices B x 3 x 3, of either sign."""
    m = [[matrix[:, row, column : column + 1] for column in range(3)] for row in range(3)]
    xx, yy, zz = m[0][0], m[1][1], m[2][2]
    wx, wy, wz = m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]
    xy, xz, yz = m[0][1] + m[1][0], m[0][2] + m[2][0], m[1][2] + m[2][1]
    squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz]
    rows = [  # four times the quaternion, times w, x, y and z
        torch.cat([squares[0], wx, wy, wz], 1),
        torch.cat([wx, squares[1], xy, xz], 1),
        torch.cat([wy, xy, squares[2], yz], 1),
        torch.cat([wz, xz, yz, squares[3]], 1),
    ]
    squared = torch.cat(squares, 1)
    # The longest row has lost no digits. Of rows that are equally long, unequal shares are added, which cannot cancel.
    longest = (squared >= squared.max(dim=1, keepdim=True)[0]).to(matrix.dtype)
    shares = [(8.0, 4.0, 2.0, 1.0)[i] * longest[:, i : i + 1] * row for i, row in enumerate(rows)]
    return _unit(shares[0] + shares[1] + shares[2] + shares[3])


def _unit(vectors: Tensor) -> Tensor:
    length: Tensor = (vectors * vectors).sum(1, keepdim=True).clamp(min=1e-12).sqrt()
    return vectors / length
