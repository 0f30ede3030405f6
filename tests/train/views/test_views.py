"""Views: turns lose nothing, reductions keep noise and encoding, draws depend on seed and sample alone."""

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from onboard import image
from train.data.samples import Sample
from train.views import reduction
from train.views.apply import apply, turned
from train.views.recipe import PLAIN, Recipe, View, views

BOX = (40.0, 60.0, 240.0, 160.0)


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A noisy frame with a bright, lopsided object, as JPEG."""
    draw = np.random.default_rng(1)
    frame = draw.normal(30, 5, (300, 320, 1)).repeat(3, axis=2)
    frame[60:160, 40:240] += 60
    frame[60:100, 40:80] += 60
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.clip(frame, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return Sample("a.jpg", path, None, BOX, "sat", False, "train")


def test_the_eight_turns_are_distinct_and_keep_the_object_in_its_box(sample: Sample) -> None:
    frame = image.read(sample.path)
    inside = frame[60:160, 40:240]
    seen = set()
    for turn in range(8):
        there, (x_min, y_min, x_max, y_max) = turned(frame, BOX, turn)
        cut = there[int(y_min) : int(y_max), int(x_min) : int(x_max)]
        assert np.array_equal(np.sort(cut, axis=None), np.sort(inside, axis=None))
        seen.add((there.shape, there.tobytes()))
    assert len(seen) == 8


def test_a_match_reduces_the_longer_side_and_leaves_smaller_boxes_alone(sample: Sample) -> None:
    frame = image.read(sample.path)
    _, (x_min, y_min, x_max, y_max) = apply(View(Recipe(match_px=64)), frame, sample)
    assert x_max - x_min == pytest.approx(64, abs=0.5) and y_max - y_min == pytest.approx(32, abs=0.5)
    same, box = apply(View(Recipe(match_px=500)), frame, sample)
    assert box == BOX and np.array_equal(same, frame)


def test_a_reduction_keeps_the_source_s_noise_which_a_match_loses(sample: Sample) -> None:
    frame = image.read(sample.path)
    wanted = reduction.background_noise(frame.astype(np.float32))
    view = View(Recipe(reduce_to_px=(70, 90)), draw=3)
    small, (x_min, _, x_max, _) = apply(view, frame, sample)
    assert 70 <= x_max - x_min <= 90
    assert reduction.background_noise(small.astype(np.float32)) == pytest.approx(wanted, rel=0.05)
    lost, _ = apply(View(Recipe(match_px=80)), frame, sample)
    assert reduction.background_noise(lost.astype(np.float32)) < 0.6 * wanted
    # It went through the source's encoder: encoding it so once more changes little.
    again = reduction._encoded(small.astype(np.float32), sample.path)
    assert np.abs(again.astype(int) - small).mean() < 0.6


def test_anomalies_are_reduced_only_where_all_are(sample: Sample) -> None:
    frame = image.read(sample.path)
    debris = Sample(
        **{name: getattr(sample, name) for name in ("key", "path", "row", "box", "label", "source")}, is_anomaly=True
    )
    assert apply(View(Recipe(reduce_to_px=(64, 80))), frame, debris)[1] == BOX
    assert apply(View(Recipe(reduce_to_px=(64, 80), reduce="all")), frame, debris)[1] != BOX


def test_draws_depend_on_seed_and_sample_alone(sample: Sample) -> None:
    frame = image.read(sample.path)
    recipe = Recipe(reduce_to_px=(64, 160), shift=0.2, scale=0.2, noise_levels=3)
    first, second = (apply(views(recipe, 5)[0], frame, sample) for _ in range(2))
    assert np.array_equal(first[0], second[0]) and first[1] == second[1]
    assert apply(views(recipe, 6)[0], frame, sample)[1] != first[1]
    other = Sample("b.jpg", sample.path, None, BOX, "sat", False, "train")
    assert apply(views(recipe, 5)[0], frame, other)[1] != first[1]


def test_disturbances(sample: Sample) -> None:
    frame = image.read(sample.path)
    dark, _ = apply(View(Recipe(exposure=0.5)), frame, sample)
    bright, _ = apply(View(Recipe(exposure=2.0)), frame, sample)
    inside = slice(60, 160), slice(40, 240)
    assert dark[inside].mean() < frame[inside].mean() < bright[inside].mean()
    noise = [
        reduction.background_noise(apply(View(r), frame, sample)[0].astype(np.float32))
        for r in (Recipe(blur_px=2), Recipe(), Recipe(noise_levels=8))
    ]
    assert noise[0] < 0.5 * noise[1] and noise[2] > 1.3 * noise[1]
    flat = np.full_like(frame, 100)
    for recipe, shared in ((Recipe(noise_levels=8), True), (Recipe(colour_noise_levels=8), False)):
        noisy, _ = apply(View(recipe), flat, sample)
        assert noisy.std() == pytest.approx(8, rel=0.05)
        assert (noisy[..., 0] == noisy[..., 1]).all() == shared


def test_a_strength_can_be_drawn_for_each_view(sample: Sample) -> None:
    frame = np.full_like(image.read(sample.path), 100)
    each = views(msgspec.convert({"noise_levels": [2, 8], "turns": 8}, Recipe), seed=1)
    found = [apply(view, frame, sample)[0].std() for view in each]
    assert all(1.9 < level < 8.2 for level in found) and max(found) - min(found) > 2
    assert found == [apply(view, frame, sample)[0].std() for view in each], "the same each time"
    boxes = [
        apply(view, frame, sample)[1] for view in views(msgspec.convert({"match_px": [24, 64], "turns": 8}, Recipe))
    ]
    longer = [max(x_max - x_min, y_max - y_min) for x_min, y_min, x_max, y_max in boxes]
    assert all(23 < side < 65 for side in longer) and max(longer) - min(longer) > 10
    dark = views(msgspec.convert({"exposure": [0.4, 0.8]}, Recipe), seed=1)
    assert dark != views(msgspec.convert({"exposure": [0.4, 0.8]}, Recipe), seed=2), "drawn, so the seed has a say"


def test_recipes_count_their_views_and_refuse_nonsense() -> None:
    assert views(Recipe()) == [PLAIN]
    assert len(set(views(Recipe(turns=8)))) == 8
    assert views(Recipe(turns=8), 1) == views(Recipe(turns=8), 2), "nothing is drawn, so the seed has no say"
    assert len(set(views(Recipe(turns=4, copies=3, noise_levels=1)))) == 12
    for noise in (Recipe(noise_levels=1), Recipe(colour_noise_levels=1)):
        assert not set(views(noise, 1)) & set(views(noise, 2))
    for name in ("reduce_to_px", "match_px", "exposure", "noise_levels", "colour_noise_levels", "blur_px"):
        with pytest.raises(msgspec.ValidationError, match=f"{name} .* must be .least, most."):
            msgspec.convert({name: [90, 80]}, Recipe)
    for said, wrong in (
        ("8 and at most 4096", {"match_px": 4}),
        ("8 and", {"match_px": [4, 64]}),
        ("above 0", {"exposure": 0}),
    ):
        with pytest.raises(msgspec.ValidationError, match=f"{said}"):
            msgspec.convert(wrong, Recipe)
