"""The one image decoder."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from onboard import image
from onboard.errors import InputError

RGB = np.random.default_rng(4).integers(0, 256, (48, 64, 3)).astype(np.uint8)
GREY, RED = RGB[..., 0].copy(), np.full((8, 8, 3), (255, 0, 0), np.uint8)


def encoded(pixels: np.ndarray, ending: str = ".png") -> bytes:
    """As OpenCV writes it: a last axis of three is BGR, of four BGRA."""
    return cv2.imencode(ending, pixels)[1].tobytes()


def cut_short(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def png_of_claimed_size(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


PNG, JPEG = encoded(RGB[..., ::-1]), encoded(RGB[..., ::-1], ".jpg")


def test_channels_come_as_red_green_blue() -> None:
    assert (image.decode(encoded(RED[..., ::-1].copy()), "red.png") == [255, 0, 0]).all()
    np.testing.assert_array_equal(image.decode(PNG, "a.png"), RGB)
    assert np.abs(image.decode(encoded(RED[..., ::-1].copy(), ".jpg"), "red.jpg") - [255.0, 0, 0]).max() < 5


def test_an_alpha_channel_is_dropped() -> None:
    np.testing.assert_array_equal(image.decode(encoded(np.dstack([RGB[..., ::-1], GREY])), "a.png"), RGB)


def test_grey_is_repeated_on_request() -> None:
    np.testing.assert_array_equal(image.decode(encoded(GREY), "g.png", "replicate"), np.dstack([GREY] * 3))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty .0 bytes."),
        (b"not an image at all", "not an image"),
        (cut_short(JPEG, 0.1), "truncated JPEG"),
        (cut_short(JPEG, 0.6), "truncated JPEG"),
        (JPEG[:-1], "truncated JPEG"),
        (cut_short(PNG, 0.1), "not an image that OpenCV can decode"),
        (cut_short(PNG, 0.6), "not an image that OpenCV can decode"),
        (PNG[:-1], "not an image that OpenCV can decode"),
        (PNG[:900] + bytes([PNG[900] ^ 1]) + PNG[901:], "not an image that OpenCV can decode"),
        (encoded(GREY), "grey: replicate"),
        (encoded(GREY, ".jpg"), "grey: replicate"),
        (encoded(RGB.astype(np.uint16) * 257), "uint16, 8-bit"),
        (encoded(GREY.astype(np.uint16) * 257), "uint16, 8-bit"),
        (encoded(RGB.astype(np.float32), ".tiff"), "float32, 8-bit"),
        (png_of_claimed_size(100_000), "OpenCV refuses"),
    ],
)
def test_what_is_no_8_bit_colour_image_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why) as error:
        image.decode(data, "folder/frame 7.png")
    assert str(error.value).startswith("folder/frame 7.png: ")


def test_write_and_read_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "made" / "é.png"
    image.write(path, RGB)
    np.testing.assert_array_equal(image.read(path), RGB)


def test_paths_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")  # which nobody writes into
    for path in (tmp_path / "none.png", tmp_path, tmp_path / "pipe.png"):
        with pytest.raises(InputError, match="cannot be read") as error:
            image.read(path)
        assert str(path) in str(error.value)
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "a.png", tmp_path / "a.unknown"):
        with pytest.raises(InputError, match="cannot be written") as error:
            image.write(path, RGB)
        assert str(path) in str(error.value)
