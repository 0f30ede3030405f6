"""Every pixel format, packed by an independent bit-by-bit packer, with and without padding behind its rows."""

import tracemalloc

import numpy as np
import pytest

from onboard.pixels import to_rgb
from onboard.wire import Header, PixelFormat

WIDTH, HEIGHT = 13, 6  # neither fills a whole group of packed pixels
GIGE = {PixelFormat.Mono10Packed: 10, PixelFormat.Mono12Packed: 12}
DEEP = {PixelFormat.Mono10: 10, PixelFormat.Mono12: 12, PixelFormat.Mono10p: 10, PixelFormat.Mono12p: 12}


def header_of(pixel_format: PixelFormat, stride: int) -> Header:
    return Header(b"r" * 16, 0, 0, 0, 0, WIDTH, HEIGHT, stride, pixel_format, None, "none", stride * HEIGHT, 0)


def packed(row: np.ndarray, bits: int) -> bytes:
    """Pixel after pixel, lowest bit first, as one large number."""
    return sum(int(value) << (bits * n) for n, value in enumerate(row)).to_bytes((len(row) * bits + 7) // 8, "little")


def packed_as_gige(row: np.ndarray, depth: int) -> bytes:
    """Two pixels in three bytes: the high bits of one, the low bits of both, the high bits of the other."""
    data = bytearray()
    for n, value in enumerate(map(int, row)):
        high, low = value >> (depth - 8), value & ((1 << (depth - 8)) - 1)
        if n % 2 == 0:
            data += bytes([high, low])
        else:
            data[-1] |= low << 4
            data.append(high)
    return bytes(data)


def laid_out(rows: list[bytes], padding: int) -> tuple[bytes, int]:
    return b"".join(row + b"\xaa" * padding for row in rows), len(rows[0]) + padding


@pytest.mark.parametrize("padding", [0, 7])
@pytest.mark.parametrize("pixel_format", DEEP)
def test_deep_pixels_keep_their_eight_highest_bits(pixel_format: PixelFormat, padding: int) -> None:
    depth = DEEP[pixel_format]
    values = np.random.default_rng(0).integers(0, 1 << depth, (HEIGHT, WIDTH))
    payload, stride = laid_out([packed(row, pixel_format.bits) for row in values], padding)
    frame = to_rgb(payload, header_of(pixel_format, stride))
    assert (frame == (values >> (depth - 8))[..., None]).all()
    assert frame.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("padding", [0, 7])
@pytest.mark.parametrize("pixel_format", GIGE)
def test_pixels_packed_as_gige_vision_has_them(pixel_format: PixelFormat, padding: int) -> None:
    depth = GIGE[pixel_format]
    values = np.random.default_rng(2).integers(0, 1 << depth, (HEIGHT, WIDTH))
    payload, stride = laid_out([packed_as_gige(row, depth) for row in values], padding)
    assert stride == pixel_format.row_bytes(WIDTH) + padding
    frame = to_rgb(payload, header_of(pixel_format, stride))
    assert (frame == (values >> (depth - 8))[..., None]).all()


@pytest.mark.parametrize("pixel_format", [each for each in PixelFormat if each is not PixelFormat.RGB8])
def test_no_memory_of_a_frames_size_is_taken(pixel_format: PixelFormat) -> None:
    side = 650  # not a whole number of strips either way
    stride = pixel_format.row_bytes(side) + 8
    header = Header(b"r" * 16, 0, 0, 0, 0, side, side, stride, pixel_format, None, "none", stride * side, 0)
    payload, out = bytes(stride * side), np.empty((side, side, 3), np.uint8)
    to_rgb(payload, header, out)
    tracemalloc.start()
    frame = to_rgb(payload, header, out)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frame is out or np.shares_memory(frame, out)
    assert most < out.nbytes / 10


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("pixel_format", [PixelFormat.Mono8, PixelFormat.RGB8, PixelFormat.BGR8])
def test_plain_formats(pixel_format: PixelFormat, padding: int) -> None:
    channels = pixel_format.bits // 8
    values = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, channels)).astype(np.uint8)
    payload, stride = laid_out([row.tobytes() for row in values], padding)
    wanted = values[..., ::-1] if pixel_format is PixelFormat.BGR8 else np.broadcast_to(values, (HEIGHT, WIDTH, 3))
    out = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert (to_rgb(payload, header_of(pixel_format, stride)) == wanted).all()
    assert np.shares_memory(to_rgb(payload, header_of(pixel_format, stride), out), out)
    assert (out == wanted).all()


@pytest.mark.parametrize("name", ["RG", "GR", "GB", "BG"])
def test_each_phase_of_the_colour_pattern_shows_one_colour(name: str) -> None:
    colour = {"R": 200, "G": 90, "B": 30}
    first = name
    second = {"RG": "GB", "GR": "BG", "GB": "RG", "BG": "GR"}[name]
    mosaic = np.empty((HEIGHT, WIDTH), np.uint8)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            mosaic[y, x] = colour[(first, second)[y % 2][x % 2]]
    pixel_format = PixelFormat[f"Bayer{name}8"]
    payload, stride = laid_out([row.tobytes() for row in mosaic], 3)
    frame = to_rgb(payload, header_of(pixel_format, stride))
    assert (frame[1:-1, 1:-1] == (200, 90, 30)).all()
