"""Which face is at which pixel: the one thing that pyvista (VTK, off-screen) is used for."""

from typing import Any

import numpy as np

from onboard.errors import InputError
from train.synth.mesh import Array


class Raster:
    """An off-screen window that is used again for every image: opening one costs more than drawing."""

    _plotter: Any  # pyvista is an optional library, its types are not to be relied on

    def __init__(self, side_px: int) -> None:
        """
        Args:
            side_px: the side of the square window.

        Raises:
            InputError: pyvista is not installed.
        """
        try:
            import pyvista
            from vtkmodules.vtkCommonCore import vtkObject  # all of `vtk` takes half a second more in each process
        except ImportError as error:
            raise InputError(
                f"rendering needs pyvista, which cannot be imported ({error}); "
                "install the 'synth' extra: pip install 'debris-rider[synth]'"
            ) from error
        vtkObject.GlobalWarningDisplayOff()  # VTK complains that there is no X server; none is needed
        pyvista.OFF_SCREEN = True
        self.side_px = side_px
        self._pyvista: Any = pyvista
        self._plotter = pyvista.Plotter(off_screen=True, window_size=[side_px, side_px], lighting="none")
        self._plotter.set_background("black")
        self._plotter.disable_anti_aliasing()  # colours are face numbers here: no mixing
        self._plotter.render_window.SetMultiSamples(0)

    def perspective(self, points: Array, faces: Array, focal: float) -> Array:
        """Draw what a pinhole camera sees.

        Args:
            points: [V, 3], camera frame (x right, y down, z forward).
            faces: [F, 3].
            focal: focal length over the window's side.

        Returns:
            uint8 [side_px, side_px, 3]: for `faces_at`.
        """
        self._plotter.camera.parallel_projection = False
        self._plotter.camera.view_angle = float(np.degrees(2 * np.arctan(0.5 / focal)))
        return self._draw(points, faces)

    def parallel(self, points: Array, faces: Array, half_side: float) -> Array:
        """As `perspective`, seen from infinity; the window spans -half_side..half_side in x and in y."""
        self._plotter.camera.parallel_projection = True
        self._plotter.camera.parallel_scale = half_side
        return self._draw(points, faces)

    def _draw(self, points: Array, faces: Array) -> Array:
        number = np.arange(1, len(faces) + 1)
        mesh = self._pyvista.PolyData.from_regular_faces(points.astype(np.float32), faces)
        mesh.cell_data["face"] = np.stack([number >> 16, number >> 8, number], 1).astype(np.uint8)
        self._plotter.clear_actors()
        self._plotter.add_mesh(mesh, scalars="face", rgb=True, lighting=False, reset_camera=False, render=False)
        camera = self._plotter.camera
        camera.position, camera.focal_point, camera.up = (0, 0, 0), (0, 0, 1), (0, -1, 0)
        near, far = float(points[:, 2].min()), float(points[:, 2].max())
        slack = 0.01 * (far - near) + 1e-3
        camera.clipping_range = (max(near - slack, 1e-3), far + slack)
        self._plotter.render()
        picture: Array = self._plotter.screenshot(return_img=True)
        return picture

    def close(self) -> None:
        self._plotter.close()


def faces_at(picture: Array) -> Array:
    """The face in front: int32 [...], -1 where there is none, from pixels [..., 3] that a `Raster` drew."""
    high, middle, low = (picture[..., k].astype(np.int32) for k in range(3))
    return (high << 16 | middle << 8 | low) - 1
