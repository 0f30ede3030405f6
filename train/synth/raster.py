"""Which face is at which pixel: the one thing that VTK (off-screen) is used for."""

from typing import Any

import numpy as np

from onboard.errors import InputError
from train.synth.mesh import Array


class Raster:
    """An off-screen window that is used again for every image: opening one costs more than drawing."""

    _window: Any  # VTK is an optional library, its types are not to be relied on

    def __init__(self, side_px: int) -> None:
        """
        Args:
            side_px: the side of the square window.

        Raises:
            InputError: VTK is not installed.
        """
        try:  # these parts alone: all of `vtk` takes half a second more in each process
            import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (without it there is nothing that draws)
            from vtkmodules import vtkCommonCore, vtkCommonDataModel, vtkRenderingCore
            from vtkmodules.util import numpy_support
        except ImportError as error:
            raise InputError(
                f"rendering needs VTK, which cannot be imported ({error}); "
                "install the 'synth' extra: pip install 'debris-rider[synth]'"
            ) from error
        vtkCommonCore.vtkObject.GlobalWarningDisplayOff()  # it complains that there is no X server; none is needed
        self.side_px = side_px
        self._core: Any = vtkCommonCore
        self._data: Any = vtkCommonDataModel
        self._numpy: Any = numpy_support
        self._mapper: Any = vtkRenderingCore.vtkPolyDataMapper()
        self._mapper.SetScalarModeToUseCellData()
        self._mapper.SetColorModeToDirectScalars()
        body: Any = vtkRenderingCore.vtkActor()
        body.SetMapper(self._mapper)
        body.GetProperty().LightingOff()  # colours are face numbers here: no shades, and no mixing below
        renderer: Any = vtkRenderingCore.vtkRenderer()
        renderer.AddActor(body)
        self._camera: Any = renderer.GetActiveCamera()
        self._camera.SetPosition(0, 0, 0)
        self._camera.SetFocalPoint(0, 0, 1)
        self._camera.SetViewUp(0, -1, 0)
        self._window = vtkRenderingCore.vtkRenderWindow()
        self._window.SetOffScreenRendering(True)
        self._window.SetMultiSamples(0)
        self._window.SetSize(side_px, side_px)
        self._window.AddRenderer(renderer)

    def perspective(self, points: Array, faces: Array, focal: float) -> Array:
        """Draw what a pinhole camera sees.

        Args:
            points: [V, 3], camera frame (x right, y down, z forward).
            faces: [F, 3].
            focal: focal length over the window's side.

        Returns:
            uint8 [side_px, side_px, 3]: for `faces_at`.
        """
        self._camera.SetParallelProjection(False)
        self._camera.SetViewAngle(float(np.degrees(2 * np.arctan(0.5 / focal))))
        return self._draw(points, faces)

    def parallel(self, points: Array, faces: Array, half_side: float) -> Array:
        """As `perspective`, seen from infinity; the window spans -half_side..half_side in x and in y."""
        self._camera.SetParallelProjection(True)
        self._camera.SetParallelScale(half_side)
        return self._draw(points, faces)

    def _draw(self, points: Array, faces: Array) -> Array:
        number = np.arange(1, len(faces) + 1)
        colour = np.stack([number >> 16, number >> 8, number], 1).astype(np.uint8)
        corners, triangles, mesh = self._core.vtkPoints(), self._data.vtkCellArray(), self._data.vtkPolyData()
        corners.SetData(self._numpy.numpy_to_vtk(points.astype(np.float32), deep=True))
        triangles.SetData(3, self._numpy.numpy_to_vtkIdTypeArray(faces.astype(np.int64).reshape(-1), deep=True))
        mesh.SetPoints(corners)
        mesh.SetPolys(triangles)
        mesh.GetCellData().SetScalars(self._numpy.numpy_to_vtk(colour, deep=True))
        self._mapper.SetInputData(mesh)
        near, far = float(points[:, 2].min()), float(points[:, 2].max())
        slack = 0.01 * (far - near) + 1e-3
        self._camera.SetClippingRange(max(near - slack, 1e-3), far + slack)
        self._window.Render()
        pixels, last = self._core.vtkUnsignedCharArray(), self.side_px - 1
        self._window.GetPixelData(0, 0, last, last, 0, pixels, 0)
        picture: Array = self._numpy.vtk_to_numpy(pixels).reshape(self.side_px, self.side_px, 3)
        return picture[::-1]

    def close(self) -> None:
        self._window.Finalize()


def faces_at(picture: Array) -> Array:
    """The face in front: int32 [...], -1 where there is none, from pixels [..., 3] that a `Raster` drew."""
    high, middle, low = (picture[..., k].astype(np.int32) for k in range(3))
    return (high << 16 | middle << 8 | low) - 1
