"""A camera's raw rows to the uint8 RGB frame that everything else works on."""

import cv2
import numpy as np
import numpy.typing as npt

from onboard.image import Frame
from onboard.wire.formats import PixelFormat
from onboard.wire.frame import Header

Rows = npt.NDArray[np.uint8]
_STRIP_ROWS = 32

# OpenCV's two-letter names (BayerBG ...) name the pattern from its second row on; these four-letter ones do not.
_DEMOSAIC = {
    PixelFormat.BayerRG8: cv2.COLOR_BayerRGGB2RGB,
    PixelFormat.BayerGR8: cv2.COLOR_BayerGRBG2RGB,
    PixelFormat.BayerGB8: cv2.COLOR_BayerGBRG2RGB,
    PixelFormat.BayerBG8: cv2.COLOR_BayerBGGR2RGB,
}


def to_rgb(payload: memoryview | bytes, header: Header, out: Frame | None = None) -> Frame:
    """Rows of any pixel format as an RGB frame.

    Deeper pixels keep their eight highest bits. Colour patterns are demosaiced bilinearly.

    Args:
        payload: stride x height bytes, as `onboard.wire.decode` checks them.
        header: their size, stride and format.
        out: uint8 [H, W, 3] that takes the result, so that nothing of a frame's size is allocated.

    Returns:
        uint8 RGB [H, W, 3]: `out`; without it a new array, or for RGB8 a view of the payload.
    """
    width, height = header.width, header.height
    if header.pixel_format is PixelFormat.RGB8:
        frame = _pixels(payload, header, 3)
        if out is None:
            return frame
        np.copyto(out, frame)
        return out
    if out is None:
        out = np.empty((height, width, 3), np.uint8)
    if header.pixel_format is PixelFormat.BGR8:
        return _convert(_pixels(payload, header, 3), cv2.COLOR_BGR2RGB, out)
    if header.pixel_format in _DEMOSAIC and min(width, height) > 2:  # OpenCV wants a pixel with neighbours
        return _convert(_pixels(payload, header, 1)[:, :, 0], _DEMOSAIC[header.pixel_format], out)
    if header.pixel_format.bits == 8:
        return _convert(_pixels(payload, header, 1)[:, :, 0], cv2.COLOR_GRAY2RGB, out)
    rows = np.frombuffer(payload, np.uint8).reshape(height, header.stride)
    for top in range(0, height, _STRIP_ROWS):  # what is taken for a strip is small, whatever the frame's size
        strip = slice(top, top + _STRIP_ROWS)
        _convert(grey(rows[strip], width, header.pixel_format), cv2.COLOR_GRAY2RGB, out[strip])
    return out


def grey(rows: Rows, width: int, pixel_format: PixelFormat) -> Rows:
    """The eight highest bits of rows with one channel of 10 or 12 bits.

    Args:
        rows: uint8 [H, stride].
        width: pixels of a row.
        pixel_format: how they are stored.

    Returns:
        uint8 [H, width], a new array.
    """
    if pixel_format is PixelFormat.Mono10p:
        return _unpack_10(_groups(rows, width, 4, 5))[:, :width]
    if pixel_format is PixelFormat.Mono12p:
        return _unpack_12(_groups(rows, width, 2, 3))[:, :width]
    if pixel_format in (PixelFormat.Mono10Packed, PixelFormat.Mono12Packed):
        return _unpack_gige(_groups(rows, width, 2, 3))[:, :width]
    values = np.ndarray((len(rows), width), "<u2", rows, strides=(rows.shape[1], 2))
    return (values >> (2 if pixel_format is PixelFormat.Mono10 else 4)).astype(np.uint8)


def _pixels(payload: memoryview | bytes, header: Header, channels: int) -> Frame:
    """Pixels of 8 bits a channel where they lie, [H, W, channels], whatever stands behind each row."""
    shape = header.height, header.width, channels
    return np.ndarray(shape, np.uint8, payload, strides=(header.stride, channels, 1))


def _convert(pixels: Rows, code: int, out: Frame) -> Frame:
    return np.asarray(cv2.cvtColor(pixels, code, dst=out), np.uint8)


def _groups(rows: Rows, width: int, pixels: int, size: int) -> Rows:
    """Packed rows as groups [H, n, size] of `pixels` pixels in `size` bytes, the last one filled up with zeros."""
    count = -(-width // pixels)
    if rows.shape[1] < count * size:
        rows = np.pad(rows, ((0, 0), (0, count * size - rows.shape[1])))
    return rows[:, : count * size].reshape(len(rows), count, size)


def _unpack_10(groups: Rows) -> Rows:
    """Four pixels in five bytes, lowest bits first."""
    pixels = np.empty((*groups.shape[:2], 4), np.uint8)
    for n in range(3):
        pixels[:, :, n] = (groups[:, :, n] >> (2 * n + 2)) | (groups[:, :, n + 1] << (6 - 2 * n))
    pixels[:, :, 3] = groups[:, :, 4]
    return pixels.reshape(len(groups), -1)


def _unpack_12(groups: Rows) -> Rows:
    """Two pixels in three bytes, lowest bits first."""
    pixels = np.empty((*groups.shape[:2], 2), np.uint8)
    pixels[:, :, 0] = (groups[:, :, 0] >> 4) | (groups[:, :, 1] << 4)
    pixels[:, :, 1] = groups[:, :, 2]
    return pixels.reshape(len(groups), -1)


def _unpack_gige(groups: Rows) -> Rows:
    """Two pixels in three bytes, the low bits of both in the middle one."""
    pixels = np.empty((*groups.shape[:2], 2), np.uint8)
    pixels[:, :, 0], pixels[:, :, 1] = groups[:, :, 0], groups[:, :, 2]
    return pixels.reshape(len(groups), -1)
