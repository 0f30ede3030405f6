"""The `taps` command."""

from pathlib import Path

from train.onnx_model import load as loading
from train.onnx_model import taps
from train.onnx_model.ports import image_port

_OPEN_PX = 224  # where the file leaves the input's size open


def text(path: Path, every: bool, input_px: tuple[int, int] | None = None) -> str:
    """The table of taps.

    Args:
        path: of the ONNX file.
        every: all float maps and vectors, not only those worth tapping.
        input_px: height and width, for a file that leaves them open.

    Raises:
        InputError: the file cannot be used.
    """
    model = loading.load(path)
    port = image_port(model, path)
    height, width = input_px or (_OPEN_PX, _OPEN_PX)
    height, width = port.height or height, port.width or width
    size = f"input '{port.name}': {port.dtype}, {port.channels} x {height} x {width}, batch {port.batch or 'open'}"
    found = taps.find(model, port, height, width, every)
    advice = f"\nbackbone: {{onnx: {path}, tap: {found[-1].name}}}" if found and not every else ""
    return f"{taps.table(found, path)}\n{size}; opset {loading.opset(model)}{advice}"
