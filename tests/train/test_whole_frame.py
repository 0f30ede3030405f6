"""The whole frame as a network's input."""

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from onboard.strict_yaml import convert
from onboard.window import FrameError, cut
from train.benchmark.config import BenchmarkConfig
from train.config import RunConfig
from train.whole_frame import WholeFrame, shown

FRAME = np.random.default_rng(1).integers(0, 256, (200, 320, 3)).astype(np.uint8)


def spec(**more: object) -> CropSpec:
    settings = {"view": "frame", "frame_px": [200, 320], "resize": "stretch", "input_px": [96, 128]}
    return msgspec.convert(settings | more, CropSpec)


def seen(spec: CropSpec, *box: float) -> tuple[np.ndarray, np.ndarray]:
    window = cut(FRAME, box, spec)  # type: ignore[arg-type]
    with torch.inference_mode():
        image, inside = WholeFrame(spec, (0, 0, 0), (1, 1, 1))(
            torch.from_numpy(window.pixels)[None], torch.from_numpy(window.region)[None]
        )
    return image[0].permute(1, 2, 0).numpy(), inside[0].numpy()


def test_stretched_it_is_pillow_s_resize_and_the_box_goes_with_it() -> None:
    image, box = seen(spec(), 80, 50, 160, 100)
    wanted = np.asarray(Image.fromarray(FRAME).resize((128, 96), Image.Resampling.BILINEAR), np.float32)
    assert np.abs(image - wanted).max() <= 1  # Pillow rounds to whole levels, twice
    np.testing.assert_allclose(box, [32, 24, 64, 48], rtol=1e-6)


def test_padded_it_keeps_its_proportions_in_the_middle_of_black() -> None:
    padded = spec(resize="pad", channels="bgr")
    assert shown(padded) == ((8, 80), (0, 128))
    image, box = seen(padded, 80, 50, 160, 100)
    wanted = np.asarray(Image.fromarray(FRAME).resize((128, 80), Image.Resampling.BILINEAR), np.float32)
    assert np.abs(image[8:88] - wanted[..., ::-1]).max() <= 1
    assert not image[:8].any() and not image[88:].any()
    np.testing.assert_allclose(box, [32, 28, 64, 48], rtol=1e-6)


def test_the_frame_is_the_window_and_another_size_is_refused() -> None:
    window = cut(FRAME, (-5, 3, 40, 60), spec())
    assert np.array_equal(window.pixels, FRAME) and window.region.tolist() == [-5, 3, 40, 60]
    with pytest.raises(FrameError, match=r"200 x 300 px .*frames of 200 x 320.*crop.frame_px: \[200, 300\]"):
        cut(FRAME[:, :300], (1, 3, 40, 60), spec())


@pytest.mark.parametrize(
    ("crop", "said"),
    [
        ({"view": "frame"}, "'view: frame' needs .*resize: stretch or pad"),
        ({"frame_px": [200, 320]}, "'frame_px'. go with 'view: frame'"),
        ({"view": "frame", "frame_px": [200, 320], "resize": "pad", "via_px": [32]}, "'via_px'. are for crops"),
    ],
)
def test_a_mixture_of_views_is_refused(crop: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        convert(crop, CropSpec, "run.yaml")


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"match_px": 64}, "match_px makes frames smaller.*leave it out"),
        ({"reduce_to_px": [64, 90]}, "reduce_to_px makes frames smaller"),
        ({"turns": 8}, "320 x 200 of the 200 x 320 frames.*set turns: 4"),
    ],
)
def test_views_that_change_the_frame_s_size_are_refused(recipe: dict[str, object], said: str) -> None:
    crop = {"view": "frame", "frame_px": [200, 320], "resize": "pad"}
    data = {"kind": "spark", "root": "x"}
    with pytest.raises(InputError, match=said):
        convert({"data": data, "crop": crop, "augment": [recipe]}, RunConfig, "run.yaml")
    methods = {"m": {"layers": ["pooled"], "head": {"kind": "gaussian"}}}
    config = {"data": data, "crop": crop, "protocols": {"p": {"recipe": recipe}}, "methods": methods}
    with pytest.raises(InputError, match=said):
        convert(config, BenchmarkConfig, "bench.yaml")


def test_turns_of_a_square_frame_light_noise_and_focus_stay() -> None:
    crop = {"view": "frame", "frame_px": [320, 320], "resize": "pad"}
    augment = [{"turns": 8, "exposure": 0.6, "noise_levels": 5, "blur_px": 1, "shift": 0.1, "scale": 0.1}]
    convert({"data": {"kind": "spark", "root": "x"}, "crop": crop, "augment": augment}, RunConfig, "run.yaml")
