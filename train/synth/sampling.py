"""Where a drawn picture has to be shaded: more often at edges than inside of a surface."""

from dataclasses import dataclass

import numpy as np

from train.synth.mesh import Array
from train.synth.raster import faces_at


@dataclass(frozen=True)
class Samples:
    """N places to shade.

    Attributes:
        box: x_min, y_min, x_max, y_max of all image pixels that the body touches, pixel edges.
        place_px: float [N, 2], x and y in the image.
        face: int [N].
        cell: int [N], the image pixel, counted row by row in the box.
        share: float [N], how much of that pixel the sample stands for.
    """

    box: tuple[int, int, int, int]
    place_px: Array
    face: Array
    cell: Array
    share: Array

    def gather(self, values: Array) -> Array:
        """Add up [N, C] to the box's image float32 [height, width, C]."""
        x0, y0, x1, y1 = self.box
        count = (y1 - y0) * (x1 - x0)
        channels = [np.bincount(self.cell, self.share * channel, count) for channel in values.T]
        return np.stack(channels, -1).reshape(y1 - y0, x1 - x0, -1).astype(np.float32)


def sample(picture: Array, material: Array, image_px: int) -> Samples | None:
    """Choose the places; None if nothing is in the picture.

    Pixels that are covered by one material are shaded once, all others at each of the picture's finer pixels.

    Args:
        picture: what a `Raster` drew, its side a whole multiple of `image_px`.
        material: int [F].
    """
    fine = len(picture) // image_px
    rows = np.flatnonzero(picture.reshape(len(picture), -1).max(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(picture[rows[0] : rows[-1] + 1].max(axis=0).max(axis=-1))
    x0, x1 = int(columns[0]) // fine, int(columns[-1]) // fine + 1
    y0, y1 = int(rows[0]) // fine, int(rows[-1]) // fine + 1
    height, width = y1 - y0, x1 - x0
    face = faces_at(picture[y0 * fine : y1 * fine, x0 * fine : x1 * fine])
    # [pixel, finer pixels in it]
    face = face.reshape(height, fine, width, fine).swapaxes(1, 2).reshape(height * width, fine * fine)
    paint = np.where(face >= 0, material[face], -1)
    whole = (paint == paint[:, :1]).all(axis=1) & (paint[:, 0] >= 0)
    once = np.flatnonzero(whole)
    cell, part = np.nonzero((face >= 0) & ~whole[:, None])
    cells = np.concatenate([once, cell])
    parts = np.concatenate([np.zeros_like(once), part])
    inner = np.stack([parts % fine, parts // fine], 1)
    corner = np.stack([cells % width + x0, cells // width + y0], 1)
    share = np.full(len(cells), 1 / fine**2)
    share[: len(once)] = 1
    return Samples((x0, y0, x1, y1), corner + (inner + 0.5) / fine, face[cells, parts], cells, share)
