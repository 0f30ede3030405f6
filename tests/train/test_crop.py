"""The in-graph crop against Pillow's antialiased bilinear resize of the same box."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from onboard.crop_spec import CropSpec
from onboard.window import cut
from train.crop import Crop

FRAME_H, FRAME_W = 1200, 1400
BOXES = {
    "inside": (400.0, 300.0, 560.0, 420.0),
    "fractional edges": (400.3, 300.7, 560.2, 455.5),
    "touching the corner": (0.0, 0.0, 180.0, 90.0),
    "across the right border": (1300.0, 500.0, 1500.0, 620.0),
    "across the top left corner": (-60.0, -40.0, 80.0, 120.0),
    "3 px wide": (700.0, 600.0, 703.0, 604.0),
    "half the frame": (300.0, 300.0, 780.0, 700.0),
    "1000 px wide": (150.0, 100.0, 1150.0, 900.0),
}


def picture(smooth_px: float = 0.0) -> np.ndarray:
    """Noise, the hardest thing to resize; smoothed where the window is pooled before the resize."""
    pixels = np.random.default_rng(3).integers(0, 256, (FRAME_H, FRAME_W, 3)).astype(np.float32)
    if smooth_px:
        pixels = cv2.GaussianBlur(pixels, (0, 0), smooth_px)
        pixels = (pixels - pixels.min()) / (pixels.max() - pixels.min()) * 255
    return pixels.round().astype(np.uint8)


def crop_to_grey_levels(frame: np.ndarray, box: tuple[float, ...], spec: CropSpec) -> np.ndarray:
    window = cut(frame, box, spec)
    crop = Crop(spec, mean=[0, 0, 0], std=[1, 1, 1])
    out = crop(torch.from_numpy(window.pixels)[None], torch.from_numpy(window.region)[None])
    return out[0].permute(1, 2, 0).numpy()


def pillow(frame: np.ndarray, box: tuple[float, ...], size: int) -> np.ndarray:
    """The same box of the frame, which goes on in black, resized by Pillow in floating point."""
    border = 400
    padded = np.pad(frame, ((border, border), (border, border), (0, 0))).astype(np.float32)
    moved = tuple(value + border for value in box)
    planes = [
        Image.fromarray(padded[..., c], mode="F").resize((size, size), Image.Resampling.BILINEAR, box=moved)
        for c in range(3)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


@pytest.mark.parametrize("name", BOXES)
def test_equals_pillow(name: str) -> None:
    spec = CropSpec(margin=0.0, aspect="stretch", pool_large=False)
    frame = picture()
    found = crop_to_grey_levels(frame, BOXES[name], spec)
    wanted = pillow(frame, BOXES[name], spec.input_px)
    # The box reaches the graph in float32 window pixels: that, and nothing else, makes a difference.
    assert np.abs(found - wanted).max() < 0.02


def test_a_pooled_window_stays_within_a_grey_level_of_pillow() -> None:
    spec = CropSpec(margin=0.0, aspect="stretch")
    box = BOXES["1000 px wide"]
    assert cut(picture(), box, spec).pixels.shape[0] > spec.pool_above_px
    smooth = picture(smooth_px=16.0)
    assert np.abs(crop_to_grey_levels(smooth, box, spec) - pillow(smooth, box, 224)).max() < 1.0
    sharp = picture(smooth_px=1.0)  # edges as sharp as a lens gives them, over the full range: on average only
    assert np.abs(crop_to_grey_levels(sharp, box, spec) - pillow(sharp, box, 224)).mean() < 1.0


def test_chain_of_sizes_equals_the_resizes_one_after_the_other() -> None:
    spec = CropSpec(margin=0.0, aspect="stretch", via_px=(512, 32))
    frame, box = picture(), BOXES["inside"]
    found = crop_to_grey_levels(frame, box, spec)
    planes = []
    for c in range(3):
        plane = Image.fromarray(frame[..., c].astype(np.float32), mode="F")
        plane = plane.resize((512, 512), Image.Resampling.BILINEAR, box=box)
        plane = plane.resize((32, 32), Image.Resampling.BILINEAR).resize((224, 224), Image.Resampling.BILINEAR)
        planes.append(np.asarray(plane))
    assert np.abs(found - np.stack(planes, axis=-1)).max() < 0.02


@pytest.mark.parametrize("box", [BOXES["inside"], BOXES["across the right border"], BOXES["3 px wide"]])
def test_the_window_size_does_not_matter(box: tuple[float, ...]) -> None:
    small = crop_to_grey_levels(picture(), box, CropSpec(windows=(256,)))
    large = crop_to_grey_levels(picture(), box, CropSpec(windows=(512,)))
    assert np.abs(small - large).max() < 0.02


def test_square_aspect_keeps_proportions_and_margin_adds_surroundings() -> None:
    frame = np.zeros((400, 400, 3), np.uint8)
    frame[180:220, 100:300] = 255  # a bar, 200 x 40 px
    bar = (100.0, 180.0, 300.0, 220.0)
    square = crop_to_grey_levels(frame, bar, CropSpec(margin=0.0, aspect="square")) > 128
    rows, columns = square.any(axis=(1, 2)).sum(), square.any(axis=(0, 2)).sum()
    assert columns == 224 and abs(rows - 224 / 5) <= 1
    assert (crop_to_grey_levels(frame, bar, CropSpec(margin=0.0, aspect="stretch")) > 128).all()
    wide = crop_to_grey_levels(frame, bar, CropSpec(margin=0.5, aspect="stretch")) > 128
    assert abs(wide.any(axis=(0, 2)).sum() - 112) <= 1


def test_normalisation_is_per_channel() -> None:
    frame = np.zeros((64, 64, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    spec = CropSpec(margin=0.0)
    window = cut(frame, (8, 8, 40, 40), spec)
    out = Crop(spec, mean=[10, 10, 10], std=[1, 2, 4])(
        torch.from_numpy(window.pixels)[None], torch.from_numpy(window.region)[None]
    )
    np.testing.assert_allclose(out[0, :, 100, 100].numpy(), [0, 5, 5], atol=1e-4)


@pytest.mark.parametrize(("input_px", "aspect"), [((96, 160), "stretch"), ((160, 96), "square")])
def test_an_input_that_is_not_square_equals_pillow(input_px: tuple[int, int], aspect: str) -> None:
    spec = CropSpec(margin=0.0, aspect=aspect, pool_large=False, input_px=input_px)
    frame, box = picture(), (400.0, 300.0, 560.0, 420.0)
    seen = box
    if aspect == "square":  # grown to the input's own aspect: 160 px wide, so 160 * 160 / 96 high
        height = 160 * 160 / 96
        seen = (400.0, 360.0 - height / 2, 560.0, 360.0 + height / 2)
    border = 400
    padded = np.pad(frame, ((border, border), (border, border), (0, 0))).astype(np.float32)
    moved = tuple(value + border for value in seen)
    size = (input_px[1], input_px[0])
    planes = [
        Image.fromarray(padded[..., c], mode="F").resize(size, Image.Resampling.BILINEAR, box=moved) for c in range(3)
    ]
    wanted = np.stack([np.asarray(plane) for plane in planes], axis=-1)
    assert np.abs(crop_to_grey_levels(frame, box, spec) - wanted).max() < 0.02


def test_channels_come_in_the_order_that_the_backbone_takes() -> None:
    frame, box = picture(), BOXES["inside"]
    rgb = crop_to_grey_levels(frame, box, CropSpec())
    np.testing.assert_array_equal(crop_to_grey_levels(frame, box, CropSpec(channels="bgr")), rgb[..., ::-1])
    window = cut(frame, box, spec := CropSpec(channels="grey"))
    grey = Crop(spec, mean=[0], std=[1])(torch.from_numpy(window.pixels)[None], torch.from_numpy(window.region)[None])
    assert grey.shape == (1, 1, 224, 224)
    wanted = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2GRAY)
    assert np.abs(grey[0, 0].numpy() - wanted).max() < 0.02


def test_a_box_that_would_not_fit_in_the_inputs_aspect_is_refused() -> None:
    """A tall box in a wide input needs a region wider than itself; it is never cut short."""
    from onboard.window import BoxError

    spec = CropSpec(input_px=(64, 256), windows=(256,))
    with pytest.raises(BoxError, match="exceeds"):
        cut(picture(), (100.0, 100.0, 140.0, 200.0), spec)
    region = cut(picture(), (100.0, 100.0, 140.0, 150.0), spec).region
    assert region[2] - region[0] == pytest.approx(4 * (region[3] - region[1]), rel=1e-5)
    assert region[3] - region[1] >= 50
