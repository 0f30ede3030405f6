"""The pinhole camera: OpenCV's axes (x right, y down, z forward), and pixel edges as coordinates."""

from dataclasses import dataclass

import numpy as np

from train.synth.mesh import Array


@dataclass(frozen=True)
class Camera:
    """A square image, its principal point in the middle.

    Coordinates are of pixel edges, as in the boxes: the first pixel spans 0..1 and its middle is at 0.5.
    (OpenCV's own calibration puts the middle at 0: subtract 0.5 from `centre_px` for its cx and cy.)
    """

    image_px: int

    @property
    def focal_px(self) -> float:
        """A field of view of about 33 degrees, a rendezvous camera's."""
        return 1.7 * self.image_px

    @property
    def centre_px(self) -> float:
        return self.image_px / 2

    def project(self, points_m: Array) -> Array:
        """Camera-frame points [..., 3] to pixels [..., 2]."""
        return points_m[..., :2] / points_m[..., 2:] * self.focal_px + self.centre_px

    def ray(self, pixels: Array) -> Array:
        """The camera-frame directions [..., 3], with z = 1, of pixels [..., 2]."""
        xy = (np.asarray(pixels) - self.centre_px) / self.focal_px
        return np.concatenate([xy, np.ones_like(xy[..., :1])], -1)


@dataclass(frozen=True)
class Pose:
    """Where the body is: a body-frame point p is at rotation @ p + translation_m in the camera's frame."""

    rotation: Array
    translation_m: Array

    def to_camera(self, points_m: Array) -> Array:
        return points_m @ self.rotation.T + self.translation_m
